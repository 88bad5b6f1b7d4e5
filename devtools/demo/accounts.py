"""Makes accounts and API tokens, in a process of its own: `python -m devtools.demo.accounts`.

Standard input is one JSON object with `password`, `usernames`, `members` (those of them who get a
token) and `operator` (an administrator's name or null); standard output one with `ids`, in the
order of the usernames, and `tokens` by username. Whoever measures later never loads Django.
"""

import json
import sys
from collections.abc import Sequence

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import get_digest_token  # noqa: E402
from knox.settings import CONSTANTS  # noqa: E402

from social.models import Token, User  # noqa: E402

BATCH = 5_000


def make_users(usernames: Sequence[str], password: str) -> list[int]:
    """Their ids. All share one hash of the password: hashing is slow on purpose."""
    shared = make_password(password)
    users = [User(username=name, password=shared) for name in usernames]
    return [user.pk for user in User.objects.bulk_create(users, batch_size=BATCH)]


def make_tokens(members: dict[str, int]) -> dict[str, str]:
    """A token for each user id, by username."""
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


def main() -> None:
    order = json.load(sys.stdin)
    ids = dict(zip(order["usernames"], make_users(**pick(order)), strict=True))
    if order["operator"]:
        User.objects.create_superuser(order["operator"], password=order["password"])
    tokens = make_tokens({name: ids[name] for name in order["members"]})
    json.dump({"ids": list(ids.values()), "tokens": tokens}, sys.stdout)


def pick(order: dict) -> dict:
    return {name: order[name] for name in ("usernames", "password")}


if __name__ == "__main__":
    main()
