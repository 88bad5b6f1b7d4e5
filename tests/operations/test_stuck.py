"""What cannot free itself is named: by doctor, lag, the operations page and the figures."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from celery_app import app
from events.models import PeriodicRun
from operations import stuck
from operations.metrics import House
from social.models import Post
from tests.waiting import until
from timelines.models import Watermark

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def beating(db) -> None:
    PeriodicRun.objects.create(task="tests.anything", began_at=timezone.now())


@pytest.fixture
def operator(alice) -> Iterator[psycopg2.extensions.connection]:
    """Somebody who has switched the limits off, in a transaction of theirs."""
    given = connection.get_connection_params() | {
        "application_name": "psql",
        "options": "-c idle_in_transaction_session_timeout=0",
    }
    made = psycopg2.connect(**given)
    yield made
    made.close()


def told() -> list[str]:
    return [f"{ailment.what} -> {ailment.mend}" for ailment in stuck.ailments(timezone.now())]


def figure(name: str) -> float:
    families = {family.name: family for family in House().collect()}
    (sample,) = families[f"connectify_operations_{name}"].samples
    return sample.value


def lag(*arguments: str) -> str:
    out = io.StringIO()
    call_command("lag", *arguments, stdout=out)
    return out.getvalue()


def test_a_house_that_is_well_has_nothing_to_tell(broker, post):
    Watermark.objects.create(pk=1, post_id=post.pk)
    assert told() == []
    assert "STUCK" not in lag()
    assert json.loads(lag("--json"))["stuck"] == []
    assert figure("open_transaction_seconds") == figure("watermark_seconds") == 0


@pytest.mark.slow  # It is left open for 20 s.
def test_a_transaction_that_is_left_open_is_named_with_what_ends_it(broker, operator):
    operator.cursor().execute("UPDATE social_user SET first_name = 'A'")
    pid = operator.info.backend_pid
    (ailment,) = until(told)
    assert ailment.startswith("a transaction has been left open for 2")
    assert f"(pid {pid}, user connectify, psql)" in ailment
    assert ailment.endswith(f"SELECT pg_terminate_backend({pid})")
    assert f"pid {pid}, user connectify, psql" in lag()
    assert figure("open_transaction_seconds") >= 20


def age_posts(seconds: float) -> None:
    Post.objects.update(created_at=timezone.now() - timedelta(seconds=seconds))


def test_a_watermark_that_stands_is_named(broker, post):
    age_posts(60)
    assert told() == []
    age_posts(300)
    assert told() == [
        "the watermark has been standing for 300 s"
        " -> start what manage.py lag calls late; is beat running?"
    ]
    assert figure("watermark_seconds") == pytest.approx(300, abs=5)
    assert "STUCK: the watermark has been standing for 30" in lag()


def test_whoever_has_been_posting_for_long_is_named_with_it(operator, alice, post):
    age_posts(300)
    operator.cursor().execute(
        "INSERT INTO social_post (author_id, content, created_at) VALUES (%s, 'x', now())",
        [alice.pk],
    )
    pid = operator.info.backend_pid
    standing = [each for each in told() if each.startswith("the watermark")]
    assert f"pid {pid} has been posting for" in standing[0]


def test_a_silent_beat_is_named(broker):
    PeriodicRun.objects.update(began_at=timezone.now() - timedelta(minutes=2))
    (ailment,) = told()
    assert ailment.startswith("beat is silent: no periodic task has begun for 120 s -> ")
    assert "celery -A celery_app beat" in ailment
    assert figure("beat_seconds") == pytest.approx(120, abs=5)
    app.loader.import_default_modules()
    app.tasks["timelines.raise_watermark"]()
    assert told() == []


def test_a_beat_that_has_never_done_anything_is_named():
    PeriodicRun.objects.all().delete()
    assert told()[0].startswith("beat is silent: no periodic task has begun ever -> ")


def test_a_database_without_a_limit_for_idle_transactions_is_named():
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET idle_in_transaction_session_timeout")
        try:
            (ailment,) = told()
        finally:
            call_command("migrate", "--verbosity=0")
    assert ailment.endswith(
        f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '20s'"
    )
    assert told() == []
