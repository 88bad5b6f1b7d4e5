"""The relay without its guard "confirms", for the proofs: `python -m faults.unconfirmed_relay`."""

import django
from django.core.management import call_command

django.setup()

# The publisher can be imported only now that the apps are loaded.
from events import publisher  # noqa: E402

_connect = publisher.Connection


def connect_without_confirms(url: str, **options):
    return _connect(url, **options | {"transport_options": {}})


if __name__ == "__main__":
    publisher.Connection = connect_without_confirms
    call_command("relay_outbox")
