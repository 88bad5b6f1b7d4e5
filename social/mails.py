"""Sending mails that wait as rows of a table, with `requested_at`, `tried_at` and `mailed_at`.

Guarantee: a mail that fails is retried after the others and delays none of them.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Model, Q

from events.turns import each_in_turn

# Shortest time between two attempts at one mail.
RETRY_DELAY = timedelta(seconds=30)
BATCH = 100

Row = TypeVar("Row", bound=Model)


def send_waiting(model: type[Row], send: Callable[[Row], bool], *, now: datetime) -> None:
    """Call `send` with each row whose mail is due, and set `mailed_at` if it returns True. A mail
    is sent twice if its sender dies between sending it and setting `mailed_at`."""
    untried = Q(tried_at=None) | Q(tried_at__lte=now - RETRY_DELAY)
    due = model._default_manager.filter(untried, mailed_at=None)
    rows = list(due.order_by(F("tried_at").asc(nulls_first=True), "requested_at")[:BATCH])

    def send_one(number: int) -> None:
        own = model._default_manager.filter(pk=rows[number].pk)
        own.update(tried_at=now)
        if send(rows[number]):
            own.update(mailed_at=now)

    # Pass numbers, not rows: each_in_turn logs what fails, and logs must hold no mail addresses.
    each_in_turn(range(len(rows)), send_one, what="sending a mail")
