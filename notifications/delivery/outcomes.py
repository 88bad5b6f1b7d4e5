"""The outcome of an attempt, decided by the push service's answer.

Guarantee: a push is retried until it is sent, refused for good, or expired. A temporary failure
never ends a push before it expires.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from events.backoff import full_jitter
from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.retries import Retry
from notifications.models import Delivery
from notifications.reasons import storable

State = Delivery.State
PASSING_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
GONE_STATUSES = frozenset({404, 410})
REJECTED_STATUSES = frozenset({401, 403})
# A rejection that is the subscription's own fault is final from this attempt on; see
# CircuitBreaker.is_own_fault().
REJECTED_ATTEMPTS = 3
BACKOFF_CAP_SECONDS = 3_600
MAX_STATUS = 999


@dataclass(frozen=True, slots=True)
class Answer:
    """A push service's answer: the HTTP status, the Retry-After header if there is one, and whether
    the subscription is gone, which the transport decides."""

    status: int
    retry_after: str | None = None
    gone: bool = False

    @property
    def passes(self) -> bool:
        """True if the same push may succeed later. A 4xx with Retry-After (such as WNS' 406) counts
        as that."""
        return self.status in PASSING_STATUSES or bool(
            self.retry_after and 400 <= self.status < 500
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended: the Delivery.State, when (`at`), the provider's HTTP status, the reason
    if there is one, when a retry is due, and whether the subscription is gone. `charged` is False
    if no attempt was made, so that none is counted."""

    push: Push
    state: str
    at: datetime
    status: int | None = None
    reason: str = ""
    due_at: datetime | None = None
    gone: bool = False
    charged: bool = True

    def __post_init__(self) -> None:
        """Make reason and status fit into the row: one statement settles many outcomes, and none of
        them may make it fail."""
        object.__setattr__(self, "reason", storable(self.reason))
        if self.status is not None and not 0 <= self.status <= MAX_STATUS:
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
    """Decide the outcome of a push from the answer. `own_fault` says that a rejection is the fault
    of this subscription alone."""
    status = answer.status
    if 200 <= status < 300:
        return Outcome(push, State.SENT, now, status)
    if not passes(push, answer, own_fault):
        reason = "the subscription is gone" if answer.gone else f"answered {status}"
        return Outcome(push, State.REFUSED, now, status, reason, gone=answer.gone)
    wait = max(wait, retry_after_seconds(answer.retry_after, now))
    return retry_later(push, f"answered {status}", message, now=now, status=status, wait=wait)


def passes(push: Push, answer: Answer, own_fault: bool) -> bool:
    """True if another attempt may succeed after this answer."""
    if answer.passes:
        return True
    if answer.status in REJECTED_STATUSES:
        return not (own_fault and push.attempt >= REJECTED_ATTEMPTS)
    return False


def retry_later(
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
    """The outcome "retry after at least `wait` seconds", or "expired" if the push expires before
    then."""
    back_off = 1 + full_jitter(push.attempt, base=1, cap=BACKOFF_CAP_SECONDS, draw=draw)
    seconds = max(wait, back_off)
    if seconds >= (message.expires_at - now).total_seconds():
        return Outcome(push, State.EXPIRED, now, status, reason, charged=charged)
    due_at = now + timedelta(seconds=seconds)
    return Outcome(push, State.RETRYING, now, status, reason, due_at, charged=charged)


def retry_after_seconds(retry_after: str | None, now: datetime) -> float:
    """The seconds to wait according to a Retry-After header, which is a number of seconds or an
    HTTP date (RFC 9110, section 10.2.3); 0 if it is neither."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())
    # The header may hold anything. Besides ValueError, the parser raises OverflowError and others.
    except Exception:
        return 0.0
