"""Parts of a run that need Connectify's own code, run in a separate process.

`python -m devtools.lab.inside COMMAND`; input and output are JSON. The tools themselves never load
Django. So they cannot share a fault with the code that they test, and they start quickly.

- `accounts` makes users named `usernames` with `password` (null: no login by password), an API
  token for each of `members`, and an administrator `operator` (or null). It prints `ids` in the
  order of the usernames, and `tokens` by username.
- `dormant` makes these owners dormant, and prints how many are dormant then.
- `subscribers` prints queue, event types and target in seconds of each subscriber by name.
"""

import json
import sys
from collections.abc import Sequence
from datetime import timedelta

import django

django.setup()

# Models can be imported only after django.setup().
from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import get_digest_token  # noqa: E402
from knox.settings import CONSTANTS  # noqa: E402

from events import registry  # noqa: E402
from social.models import Token, User  # noqa: E402
from timelines import dormancy  # noqa: E402

BATCH = 5_000


def accounts(order: dict) -> dict:
    users = make_users(order["usernames"], order["password"])
    ids = dict(zip(order["usernames"], users, strict=True))
    if order["operator"]:
        User.objects.create_superuser(order["operator"], password=order["password"])
    tokens = make_tokens({name: ids[name] for name in order["members"]})
    return {"ids": users, "tokens": tokens}


def make_users(usernames: Sequence[str], password: str | None) -> list[int]:
    """Create users and return their ids. They share one password hash, because hashing is slow on
    purpose."""
    shared = make_password(password)
    users = [User(username=name, password=shared) for name in usernames]
    return [user.pk for user in User.objects.bulk_create(users, batch_size=BATCH)]


def make_tokens(members: dict[str, int]) -> dict[str, str]:
    """Create a token for each user id, by username."""
    expiry = timezone.now() + settings.REST_KNOX["TOKEN_TTL"]
    rows, tokens = [], {}
    for name, user_id in members.items():
        digest, tokens[name] = get_digest_token()
        key = tokens[name][: CONSTANTS.TOKEN_KEY_LENGTH]
        rows.append(
            Token(digest=digest, token_key=key, user_id=user_id, expiry=expiry, name="demo")
        )
    Token.objects.bulk_create(rows, batch_size=BATCH)
    return tokens


def dormant(owners: list[int]) -> int:
    """Make owners dormant with the code that does so every few minutes, as if they had stayed away
    too long."""
    now = timezone.now()
    long_ago = now - settings.TIMELINE_DORMANT_AFTER - timedelta(seconds=1)
    dormancy.expect(owners, now=long_ago)
    return dormancy.put_to_sleep(now=now)


def subscribers(_: None) -> dict[str, tuple[str, list[str], float]]:
    return {
        each.name: (each.queue, sorted(each.handlers), each.target_seconds)
        for each in registry.subscribers.values()
    }


COMMANDS = {"accounts": accounts, "dormant": dormant, "subscribers": subscribers}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
