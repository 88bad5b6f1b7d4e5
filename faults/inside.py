"""What only Connectify itself knows, asked in a process of its own: `python -m faults.inside`.

Standard input is the number of users to make; standard output one JSON object with their `ids`
and `tokens`, and with `subscribers`: queue and event types by name. The harness itself never loads
Django, so that the fault it looks for cannot be its own.
"""

import json
import sys

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402
from knox.models import get_digest_token  # noqa: E402
from knox.settings import CONSTANTS  # noqa: E402

from events.registry import subscribers  # noqa: E402
from social.models import Token, User  # noqa: E402


def make_users(count: int) -> list[int]:
    """Their ids. Nobody logs in with a password: everyone has a token."""
    users = [User(username=f"user-{number}", password="!") for number in range(count)]
    return [user.pk for user in User.objects.bulk_create(users)]


def make_tokens(ids: list[int]) -> list[str]:
    expiry = timezone.now() + settings.REST_KNOX["TOKEN_TTL"]
    rows, tokens = [], []
    for user_id in ids:
        digest, token = get_digest_token()
        tokens.append(token)
        key = token[: CONSTANTS.TOKEN_KEY_LENGTH]
        rows.append(Token(digest=digest, token_key=key, user_id=user_id, expiry=expiry))
    Token.objects.bulk_create(rows)
    return tokens


def main() -> None:
    ids = make_users(int(sys.stdin.read()))
    taken = {each.name: [each.queue, sorted(each.handlers)] for each in subscribers.values()}
    json.dump({"ids": ids, "tokens": make_tokens(ids), "subscribers": taken}, sys.stdout)


if __name__ == "__main__":
    main()
