"""The bus by itself: in an empty project, with one app that is none of ours."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.servers import databases, vhosts
from tests.environment import own_name

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "tests" / "example_app"
CODE = ("models.py", "event_types.py", "comments.py", "subscriber.py", "handlers.py")
DATABASE = "events_alone"

SETTINGS = """
import environ
env = environ.Env()
SECRET_KEY = "alone"
USE_TZ = True
DATABASES = {"default": env.db("DATABASE_URL")}
BROKER_URL = env("BROKER_URL")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django_celery_results",
    "events", "tests.example_app",
]
"""

# Each step of an event's life in turn, through the bus's own code.
STEPS = """
import django; django.setup()
import os
from events import healing, relay, reconciling
from events.models import DeadLetter
from events.publisher import Publisher
from events.registry import subscribers
from tests.bus import work_off
from tests.example_app.comments import comment
from tests.example_app.models import Mention

publisher = Publisher(os.environ["BROKER_URL"])
mentions = subscribers["mentions"]

comment(5, "hello @bob")
assert relay.relay_batch(publisher) == 1
work_off(mentions, 1)
assert Mention.objects.get().name == "bob"
print("outbox, relay, consumer, inbox")

comment(5, "x" * 20 + "@" + "y" * 200)  # longer than a mention's name may be
relay.relay_batch(publisher)
work_off(mentions, 1)
letter = DeadLetter.objects.get()
assert letter.queue == "mentions.worker" and letter.subjects[:2] == ["comment_id:2", "2"]
print("dead letter:", letter.exception_type)

from django.db import connection
connection.cursor().execute("ALTER TABLE example_app_mention ALTER name TYPE varchar(300)")
assert healing.replay(healing.select({"queue": "mentions.worker"})) == 1
relay.relay_batch(publisher)
work_off(mentions, 1)
assert Mention.objects.count() == 2
print("replay heals")

assert reconciling.empty_queues(os.environ["BROKER_URL"]) == set()  # Nobody consumes it now.
print("lag")
"""


@pytest.fixture
def project(tmp_path):
    """A Django project that has `events` and the example app, and nothing else of ours."""
    shutil.copytree(ROOT / "events", tmp_path / "events")
    shutil.copytree(EXAMPLE, tmp_path / "tests" / "example_app")
    for name in ("__init__.py", "bus.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "alone.py").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def environ(broker, db):
    if "BROKER_MANAGEMENT_URL" not in os.environ:
        pytest.skip("needs a virtual host of its own, and so the broker's management API")
    vhost = vhosts.fresh(
        os.environ["BROKER_MANAGEMENT_URL"], os.environ["BROKER_URL"], own_name("events-alone")
    )
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "alone",
        "DATABASE_URL": databases.make(os.environ["DATABASE_URL"], own_name(DATABASE)),
        "BROKER_URL": vhost,
    }


def run(project: Path, environ: dict, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", *arguments],
        cwd=project,
        env=environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_bus_works_alone_with_an_app_that_it_does_not_know(project, environ):
    run(project, environ, "-m", "django", "migrate", "-v0")
    run(project, environ, "-m", "django", "check")
    out = run(project, environ, "-c", STEPS)
    assert [line for line in out.splitlines() if "[info" not in line] == [
        "outbox, relay, consumer, inbox",
        "dead letter: DataError",
        "replay heals",
        "lag",
    ]


def test_an_event_type_and_a_subscriber_take_less_than_sixty_lines():
    assert sum(len((EXAMPLE / name).read_text().splitlines()) for name in CODE) < 60


@pytest.mark.parametrize("name", CODE)
def test_the_documentation_shows_this_very_example(name):
    page = (ROOT / "docs" / "extending.md").read_text()
    shown = re.search(rf"`comments/{name}`:\n\n```python\n(.*?)```", page, re.DOTALL)
    real = (EXAMPLE / name).read_text().replace("tests.example_app", "comments")
    assert shown[1] == real
