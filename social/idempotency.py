"""Idempotency keys: a repeated request with the same key and body gets the first answer.

https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/

Guarantee: the answer is saved in the transaction of its effect. When a client that got no answer
repeats its request, either both exist or neither.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from events.errors import PermanentError
from social import pruning
from social.models import IdempotencyKey, User

KEPT = timedelta(hours=24)


class KeyInUseError(PermanentError):
    """Another request with this key is in progress."""


class KeyReusedError(PermanentError):
    """This key was used before with another body."""


@transaction.atomic
def once(
    user: User, key: str, body: bytes, perform: Callable[[], dict[str, Any]], *, now: datetime
) -> tuple[dict[str, Any], bool]:
    """Call `perform` unless an earlier request with this key did; returns the answer, which must be
    JSON-able, and whether it is the earlier request's.

    Raises KeyInUseError and KeyReusedError.
    """
    with connection.cursor() as cursor:
        # Held until the transaction ends, because this request's answer is not visible before.
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
    """Delete the keys that are older than KEPT; returns how many."""
    return pruning.prune(IdempotencyKey.objects.filter(created_at__lt=now - KEPT))
