"""Faults that do not heal by themselves are reported by doctor, lag, the operations page and the
metrics."""

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
from operations.metrics import SystemCollector
from social.models import Post
from tests.waiting import until
from timelines.models import Watermark

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def beating(db) -> None:
    PeriodicRun.objects.create(task="tests.anything", began_at=timezone.now())


@pytest.fixture
def operator(alice) -> Iterator[psycopg2.extensions.connection]:
    """A cursor of a session that has switched its limits off, in a transaction."""
    given = connection.get_connection_params() | {
        "application_name": "psql",
        "options": "-c idle_in_transaction_session_timeout=0",
    }
    made = psycopg2.connect(**given)
    yield made
    made.close()


def reported() -> list[str]:
    return [f"{ailment.what} -> {ailment.mend}" for ailment in stuck.ailments(timezone.now())]


def figure(name: str) -> float:
    families = {family.name: family for family in SystemCollector().collect()}
    (sample,) = families[f"connectify_operations_{name}"].samples
    return sample.value


def lag(*arguments: str) -> str:
    out = io.StringIO()
    call_command("lag", *arguments, stdout=out)
    return out.getvalue()


def test_a_healthy_system_reports_nothing(broker, post):
    Watermark.objects.create(pk=1, post_id=post.pk)
    assert reported() == []
    assert "STUCK" not in lag()
    assert json.loads(lag("--json"))["stuck"] == []
    assert figure("open_transaction_seconds") == figure("watermark_seconds") == 0


@pytest.mark.slow  # The transaction is left open for 20 s.
def test_a_transaction_that_is_left_open_is_named_with_the_statement_that_ends_it(broker, operator):
    operator.cursor().execute("UPDATE social_user SET first_name = 'A'")
    pid = operator.info.backend_pid
    (ailment,) = until(reported)
    assert ailment.startswith("a transaction has been left open for 2")
    assert f"(pid {pid}, user connectify, psql)" in ailment
    assert ailment.endswith(f"SELECT pg_terminate_backend({pid})")
    assert f"pid {pid}, user connectify, psql" in lag()
    assert figure("open_transaction_seconds") >= 20


def age_posts(seconds: float) -> None:
    Post.objects.update(created_at=timezone.now() - timedelta(seconds=seconds))


def test_a_watermark_that_does_not_move_is_named(broker, post):
    age_posts(60)
    assert reported() == []
    age_posts(300)
    assert reported() == [
        "the watermark has not moved for 300 s"
        " -> start what manage.py lag calls late; is beat running?"
    ]
    assert figure("watermark_seconds") == pytest.approx(300, abs=5)
    assert "STUCK: the watermark has not moved for 30" in lag()


def test_a_transaction_that_holds_the_watermark_is_named_with_it(operator, alice, post):
    age_posts(300)
    operator.cursor().execute(
        "INSERT INTO social_post (author_id, content, created_at) VALUES (%s, 'x', now())",
        [alice.pk],
    )
    pid = operator.info.backend_pid
    standing = [each for each in reported() if each.startswith("the watermark")]
    assert f"pid {pid} has been posting for" in standing[0]


def test_a_silent_beat_is_named(broker):
    PeriodicRun.objects.update(began_at=timezone.now() - timedelta(minutes=2))
    (ailment,) = reported()
    assert ailment.startswith("beat is silent: no periodic task has begun for 120 s -> ")
    assert "celery -A celery_app beat" in ailment
    assert figure("beat_seconds") == pytest.approx(120, abs=5)
    app.loader.import_default_modules()
    app.tasks["timelines.raise_watermark"]()
    assert reported() == []


def test_a_beat_that_has_never_started_a_task_is_named():
    PeriodicRun.objects.all().delete()
    assert reported()[0].startswith("beat is silent: no periodic task has begun ever -> ")


def test_a_database_without_a_limit_for_idle_transactions_is_named():
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} RESET idle_in_transaction_session_timeout")
        try:
            (ailment,) = reported()
        finally:
            call_command("migrate", "--verbosity=0")
    assert ailment.endswith(
        f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '20s'"
    )
    assert reported() == []
