"""Makes owners dormant, in a process of its own: `python -m devtools.demo.absence`.

Standard input is a JSON list of user ids, whose follows there are already; standard output is how
many are dormant then.
"""

import json
import sys
from datetime import timedelta

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from timelines import dormancy  # noqa: E402


def main() -> None:
    """By the code that does so every few minutes, as if they had last looked too long ago."""
    now = timezone.now()
    long_ago = now - settings.TIMELINE_DORMANT_AFTER - timedelta(seconds=1)
    dormancy.expect(json.load(sys.stdin), now=long_ago)
    json.dump(dormancy.put_to_sleep(now=now), sys.stdout)


if __name__ == "__main__":
    main()
