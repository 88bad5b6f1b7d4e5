"""Requests that may be repeated: the same key and body get the first answer.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

Guarantee: the answer is kept in the transaction of its effect, so that a client who saw no answer
asks again and finds either both or neither.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction

from events.errors import PermanentError
from social import pruning
from social.models import IdempotencyKey, User

KEPT = timedelta(hours=24)


class KeyInUseError(PermanentError):
    """A request with this key is being worked on."""


class KeyReusedError(PermanentError):
    """This key came before with another body."""


@transaction.atomic
def once(
    user: User, key: str, body: bytes, perform: Callable[[], dict], *, now: datetime
) -> tuple[dict, bool]:
    """The answer (JSON-able) of `perform`, and whether it is that of an earlier request.

    Raises KeyInUseError and KeyReusedError.
    """
    with connection.cursor() as cursor:
        # Until the transaction ends; the other request's answer is not visible before.
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"idempotency {user.pk} {key}"],
        )
        if not cursor.fetchone()[0]:
            raise KeyInUseError
    body_hash = hashlib.sha256(body).digest()
    earlier = IdempotencyKey.objects.filter(user=user, key=key).first()
    if earlier and earlier.created_at > now - KEPT:
        if bytes(earlier.body_hash) != body_hash:
            raise KeyReusedError
        return earlier.answer, True
    if earlier:
        earlier.delete()
    answer = perform()
    IdempotencyKey.objects.create(
        user=user, key=key, body_hash=body_hash, answer=answer, created_at=now
    )
    return answer, False


def prune(*, now: datetime) -> int:
    """Forget keys that are older than they are kept; returns how many."""
    return pruning.prune(IdempotencyKey.objects.filter(created_at__lt=now - KEPT))
