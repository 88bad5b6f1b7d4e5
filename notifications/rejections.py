"""The doctor's checks of our access to the push services."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

from django.conf import settings

from events.ailments import Ailment
from notifications import subscriptions
from notifications.delivery import webpush
from notifications.delivery.breaker_board import Board

REJECTS = "most pushes to {} get 401 or 403, and are retried until they expire"
MEND = "check VAPID_PRIVATE_KEY, VAPID_SUBJECT and this machine's clock; for FCM, FCM_KEY_FILE"
OTHER_KEYS = "some devices were registered with another VAPID_PRIVATE_KEY"
MEND_KEYS = "set that key again, or let clients subscribe anew with /api/v1/push/public-key/"


def rejecting() -> list[str]:
    """The push services that answer 401 or 403 to most pushes; empty while Valkey is
    unreachable."""
    with closing(Board(settings.REDIS_URL)) as board:
        return board.rejecting() or []


def rejections() -> list[str]:
    return [REJECTS.format(origin) for origin in rejecting()]


def ailments(now: datetime) -> Iterator[Ailment]:
    for what in rejections():
        yield Ailment(what, MEND)
    if subscriptions.made_with_other_keys(webpush.public_key(settings.VAPID_PRIVATE_KEY)):
        yield Ailment(OTHER_KEYS, MEND_KEYS)
