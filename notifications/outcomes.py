"""How attempts at pushes end, by what a push service answered.

Guarantee: a push is tried until it is sent, refused for good or expired; a failure that passes is
never final before the post's time is over.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from events.backoff import full_jitter
from notifications.claims import Push
from notifications.messages import Message
from notifications.models import Delivery
from notifications.reasons import storable
from notifications.retries import Retry

State = Delivery.State
PASSING_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
GONE_STATUSES = frozenset({404, 410})
REJECTED_STATUSES = frozenset({401, 403})
# A rejection that is the subscription's own fault is final from this attempt on.
REJECTED_ATTEMPTS = 3
BACKOFF_CAP_SECONDS = 3_600
LARGEST_STATUS = 999


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service answered: an HTTP status, its Retry-After header if any, and whether the
    subscription is gone, which is for the transport to tell."""

    status: int
    retry_after: str | None = None
    gone: bool = False

    @property
    def passes(self) -> bool:
        """True if it says that the same push may succeed later. Whoever says when to come again
        (406 of WNS, for one) means that."""
        return self.status in PASSING_STATUSES or bool(
            self.retry_after and 400 <= self.status < 500
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: a Delivery.State, when, the provider's HTTP status, the reason if any,
    for a retry when it is due, and whether the subscription is gone. An attempt that was not made
    is not `charged`."""

    push: Push
    state: str
    at: datetime
    status: int | None = None
    reason: str = ""
    due_at: datetime | None = None
    gone: bool = False
    charged: bool = True

    def __post_init__(self) -> None:
        """Whatever was answered, the row can hold it: all are settled by one statement."""
        object.__setattr__(self, "reason", storable(self.reason))
        if self.status is not None and not 0 <= self.status <= LARGEST_STATUS:
            object.__setattr__(self, "status", None)

    @property
    def retry(self) -> Retry:
        push = self.push
        return Retry(push.post_id, push.subscription_id, push.attempt - (not self.charged))


def judge(
    push: Push,
    answer: Answer,
    message: Message,
    *,
    now: datetime,
    wait: float = 0.0,
    own_fault: bool = False,
) -> Outcome:
    """What an answer means for the push; `own_fault` says that a rejection is that of this
    subscription alone."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(push, State.SENT, now, status)
    if not passes(push, answer, own_fault):
        reason = "the subscription is gone" if answer.gone else f"answered {status}"
        return Outcome(push, State.REFUSED, now, status, reason, gone=answer.gone)
    wait = max(wait, seconds_of(answer.retry_after, now))
    return again(push, f"answered {status}", message, now=now, status=status, wait=wait)


def passes(push: Push, answer: Answer, own_fault: bool) -> bool:
    """True if another attempt may succeed where this one failed."""
    if answer.passes:
        return True
    if answer.status in REJECTED_STATUSES:
        return not (own_fault and push.attempt >= REJECTED_ATTEMPTS)
    return False


def again(
    push: Push,
    reason: str,
    message: Message,
    *,
    now: datetime,
    wait: float = 0.0,
    status: int | None = None,
    charged: bool = True,
    draw: Callable[[], float] = random.random,
) -> Outcome:
    """Another attempt, after at least `wait` seconds, unless the push expires before it."""
    back_off = 1 + full_jitter(push.attempt, base=1, cap=BACKOFF_CAP_SECONDS, draw=draw)
    seconds = max(wait, back_off)
    if seconds >= (message.expires_at - now).total_seconds():
        return Outcome(push, State.EXPIRED, now, status, reason, charged=charged)
    due_at = now + timedelta(seconds=seconds)
    return Outcome(push, State.RETRYING, now, status, reason, due_at, charged=charged)


def seconds_of(retry_after: str | None, now: datetime) -> float:
    """Seconds to wait by a Retry-After header, which is a number of seconds or an HTTP date (RFC
    9110, section 10.2.3); 0 where it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
    # A stranger wrote it: besides ValueError the parser raises OverflowError, and others by chance.
    except Exception:
        return 0.0
