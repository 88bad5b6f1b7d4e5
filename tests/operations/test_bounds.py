"""Input of operators: each number has bounds, and values beyond them are refused with an error."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from events import pausing
from events.models import DeadLetter, OutboxEvent, Pause

pytestmark = pytest.mark.django_db

# Zero, negative, above the limit, above a bigint, more digits than Python converts.
ODD_NUMBERS = ("0", "-5", "10081", "99999999999999999999", "9" * 5_000, "1e300", "nan", "²", "")
ODD_RATES = ("0", "-1", "1e-300", "0.05", "10001", "1e300", "nan", "inf", "-inf", "x", "")
ODD_IDS = ("0", "-5", str(2**63), "9" * 5_000, "1.5", "x")


@pytest.mark.parametrize("minutes", ODD_NUMBERS)
def test_a_pause_of_invalid_minutes_is_refused(minutes):
    with pytest.raises(CommandError, match="--minutes: give a whole number from 1 to 10,080"):
        call_command("pause", "timelines", f"--minutes={minutes}")
    assert not Pause.objects.exists()


@pytest.mark.parametrize("lasting", [timedelta(), timedelta(-1), timedelta(days=8), timedelta.max])
def test_a_pause_of_invalid_length_is_refused_by_the_function_too(lasting):
    with pytest.raises(ValueError, match="at most 7 days"):
        pausing.pause("timelines", lasting=lasting, now=timezone.now())
    assert not Pause.objects.exists()


@pytest.mark.parametrize("until", ["infinity", "20000-01-01"])
def test_a_pause_beyond_the_range_of_python_ends_no_consumer(until):
    pausing.pause("timelines", lasting=None, now=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_pause SET until = %s", [until])
    assert pausing.PauseHold("timelines")()
    pausing.resume("timelines")
    assert not pausing.PauseHold("timelines")()


@pytest.fixture
def letter() -> DeadLetter:
    moment = timezone.now()
    return DeadLetter.objects.create(
        queue="push.worker", message_id="x", body=b"", first_failed_at=moment, last_failed_at=moment
    )


@pytest.mark.parametrize("rate", ODD_RATES)
def test_an_invalid_rate_is_refused(letter, rate):
    with pytest.raises(CommandError, match=r"--rate: give a number from 0\.1 to 10,000"):
        call_command("dead_letters", "replay", f"--rate={rate}", "--yes")
    assert not OutboxEvent.objects.exists()


@pytest.mark.parametrize("limit", ODD_NUMBERS)
def test_an_invalid_limit_is_refused(limit):
    with pytest.raises(CommandError, match="--limit: give a whole number from 1 to 10,000"):
        call_command("dead_letters", "list", f"--limit={limit}")


@pytest.mark.parametrize("option", ["--since", "--before"])
@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "20000-01-01", "0000-00-00", "", "1"])
def test_an_invalid_time_is_refused(option, text):
    with pytest.raises(CommandError, match=f"{option}: give a time as 2026-01-31"):
        call_command("dead_letters", "discard", f"{option}={text}", "--yes")


@pytest.mark.parametrize(
    ("text", "found"),
    [("2020-01-01", 1), ("9999-12-31T23:59:59-14:00", 0), ("0001-01-01T00:00:00+14:00", 1)],
)
def test_a_date_or_a_date_and_time_is_accepted(letter, capsys, text, found):
    call_command("dead_letters", "list", f"--since={text}")
    assert f"{found} open letters match." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["repair_post", "rebuild_timeline"])
@pytest.mark.parametrize("given", ODD_IDS)
def test_an_id_out_of_bounds_is_refused(command, given):
    with pytest.raises(CommandError, match="give a whole number from 1 to 9,223,372"):
        call_command(command, "--", given)
