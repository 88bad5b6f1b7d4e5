from datetime import UTC, datetime, timedelta

import pytest

from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import Answer, judge, retry_after_seconds, retry_later

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
MESSAGE = Message("alice", "hi", "post-1", 1, NOW + timedelta(hours=24))


def push(attempt: int = 1) -> Push:
    return Push(1, 1, attempt, "web_push", "https://push.example.com/x", "", "")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("9" * 400, float("inf")),
        ("-5", 0),
        ("1.5", 0),
        ("\u0663", 0),  # A digit, but not an ASCII one.
        ("soon", 0),
        ("Thu, 15 Jan 2026 10:31:00 GMT", 60),
        ("Thu, 15 Jan 2026 10:31:00 -0000", 60),
        ("Thu, 15 Jan 2026 10:29:00 GMT", 0),
        ("Thu, 99 Jan 2026 10:31:00 GMT", 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 99999 00:00:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", (LAST - NOW).total_seconds()),
        ("Fri, 31 Dec 9999 23:59:59 -2359", (LAST - NOW).total_seconds() + 86_340),
        ("Thu, 15 Jan 2026 10:31:00 +99999999999999999999", 0),
        ("Thu, 15 Jan 2026 99999999999999999999:31:00 GMT", 0),
        ("120, 120", 0),
        ("1e9", 0),
        ("inf", 0),
        ("nan", 0),
        ("0x10", 0),
        ("\x00", 0),
        ("\udcff\udcfe", 0),
        ("(((((", 0),
        ("Thu, 15 Jan", 0),
        (", ,,", 0),
        ("99999999999999999999999999999999999", 1e35),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(header, seconds):
    assert retry_after_seconds(header, NOW) == pytest.approx(seconds, rel=1e-9)


@pytest.mark.parametrize(
    ("attempt", "draw", "seconds"), [(1, 0.0, 1), (1, 0.5, 2), (5, 0.5, 17), (40, 0.5, 1801)]
)
def test_back_off_grows_with_the_attempts_up_to_an_hour(attempt, draw, seconds):
    outcome = retry_later(push(attempt), "answered 500", MESSAGE, now=NOW, draw=lambda: draw)
    assert outcome.due_at == NOW + timedelta(seconds=seconds)


def test_the_longest_wait_counts():
    outcome = judge(push(), Answer(503, "30"), MESSAGE, now=NOW, wait=60)
    assert outcome.due_at == NOW + timedelta(seconds=60)


def test_an_attempt_that_was_not_made_is_not_counted():
    assert retry_later(push(3), "postponed", MESSAGE, now=NOW, charged=False).retry.attempts == 2
    assert retry_later(push(3), "answered 500", MESSAGE, now=NOW).retry.attempts == 3
