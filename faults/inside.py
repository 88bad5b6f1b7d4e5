"""What only Connectify itself knows, asked in a process of its own: `python -m faults.inside`.

Standard input is the number of users to make; standard output one JSON object with their `ids`
and `tokens`, and with `subscribers`: queue and event types by name. The harness itself never sets
Django up, so that the fault it looks for cannot be its own.
"""

import json
import sys

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from events.registry import subscribers  # noqa: E402
from social.models import Token, User  # noqa: E402


def make_users(count: int) -> list[User]:
    """Nobody logs in with a password: everyone has a token."""
    users = [User(username=f"user-{number}", password="!") for number in range(count)]
    return User.objects.bulk_create(users)


def main() -> None:
    users = make_users(json.load(sys.stdin))
    tokens = [Token.objects.create(user)[1] for user in users]
    taken = {each.name: [each.queue, sorted(each.handlers)] for each in subscribers.values()}
    found = {"ids": [user.pk for user in users], "tokens": tokens, "subscribers": taken}
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
