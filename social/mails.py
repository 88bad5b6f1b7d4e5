"""Mails that wait in a table until they are sent, each in a row with `requested_at`, `tried_at` and
`mailed_at`.

Guarantee: one that fails is tried again after the others, and keeps none of them waiting.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import F, Model, Q

from events.turns import each_in_turn

# One that has failed is tried again after this.
REST = timedelta(seconds=30)
BATCH = 100

Row = TypeVar("Row", bound=Model)


def send_waiting(model: type[Row], send: Callable[[Row], bool], *, now: datetime) -> None:
    """Call `send` with each row whose mail is due; what it says it is done with is not due any
    more. A mail may come twice, if its sender dies before that is noted."""
    rested = Q(tried_at=None) | Q(tried_at__lte=now - REST)
    due = model.objects.filter(rested, mailed_at=None)
    rows = list(due.order_by(F("tried_at").asc(nulls_first=True), "requested_at")[:BATCH])

    def send_one(number: int) -> None:
        own = model.objects.filter(pk=rows[number].pk)
        own.update(tried_at=now)
        if send(rows[number]):
            own.update(mailed_at=now)

    # By number, for what fails is logged, and addresses are nobody's business.
    each_in_turn(range(len(rows)), send_one, what="sending a mail")
