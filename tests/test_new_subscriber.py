"""A fourth subscriber, built in a copy of Connectify from docs/extending.md alone."""

import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from connectify.installed import APPS
from devtools.servers import databases, vhosts

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COPIED = (*APPS, "connectify", "devtools", "docker", "celery_app.py", "manage.py", "pyproject.toml")
# The path of a file, and the block that says what it holds or what changes in it.
BLOCK = re.compile(r"^`([\w/.]+)`[^\n]*:\n\n```(python|diff)\n(.*?)```", re.DOTALL | re.MULTILINE)
DATABASE = "new_subscriber"

# What a person would do and look at, in turn.
STEPS = """
import django; django.setup()
import os
from datetime import timedelta
from django.contrib.auth.models import Group
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone
from celery_app import app
from digests.models import Digest
from events import reconciling, relay
from events.models import OutboxEvent
from events.publisher import Publisher
from events.registry import subscribers
from operations import doctor, lag, metrics, steering
from social import relations
from social.models import User
from tests.bus import depth, work_off

setup_test_environment()
call_command("migrate", verbosity=0)
app.loader.import_default_modules()
now = timezone.now()
alice = User.objects.create(username="alice", email="alice@x.test")
bob = User.objects.create(username="bob")
publisher = Publisher(os.environ["BROKER_URL"])
relations.follow(bob, alice, now=now)
relay.relay_batch(publisher)
work_off(subscribers["digests"], 1)
print("taken:", [(each.user_id == alice.pk, each.followers) for each in Digest.objects.all()])

assert app.conf.beat_schedule["digests.send_due"]["schedule"] == 60.0
Digest.objects.update(due_at=now)
app.tasks["digests.send_due"]()
with app.connection_for_read() as broker:
    print("in its lane:", depth(broker, "digests.low"))
app.tasks["digests.send_digest"](user_id=alice.pk)
app.tasks["digests.send_digest"](user_id=alice.pk)
print("mails:", [(each.to, each.body) for each in mail.outbox])

client = Client()
client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
page = client.get("/admin/operations/status/").content.decode()
print("operations page:", "digests: waiting 0." in page, "<th>digests</th>" in page)
samples = [sample for family in metrics.SystemCollector().collect() for sample in family.samples]
print("metrics:", sorted(
    sample.name.removeprefix("connectify_operations_") for sample in samples
    if "digests" in sample.labels.values()
))
(own,) = [each for each in lag.lags(lag.outbox()) if each.subscriber == "digests"]
print("lag:", own.within_target, own.lanes)
examinations = doctor.examinations()
found = [ailment.what for ailment in examinations["broker and consumers"](now)]
print("doctor:", sorted(each for each in found if "digests" in each))
Digest.objects.create(user=alice, followers=1, due_at=now - timedelta(hours=1))
print("doctor:", [ailment.what for ailment in examinations["digests"](now)])
print("admin:", client.get("/admin/digests/digest/").status_code)
viewers = Group.objects.get(name="viewer").permissions
print("viewers:", viewers.filter(codename="view_digest").exists())
print("steered:", "digests" in dict(steering.PauseForm().fields["subscriber"].choices))
"""
PRINTED = """\
taken: [(True, 1)]
in its lane: 1
mails: [(['alice@x.test'], '1 more people follow you.')]
operations page: True True
metrics: ['figure', 'lag_drain_seconds', 'lag_oldest_seconds', 'lag_outstanding_rows', \
'lag_target_seconds', 'lag_unsettled_pushes', 'paused', 'set_aside']
lag: True {'digests.low': 1}
doctor: ['nobody consumes digests.low', 'nobody consumes digests.worker']
doctor: ['1 digests are late']
admin: 200
viewers: True
steered: True
"""


def copy(home: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, home / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, home / name)


def follow_the_page(home: Path) -> None:
    """Write the files by hand, as the page says; then let the commands write theirs."""
    page = (ROOT / "docs" / "extending.md").read_text().partition("by a checklist\n")[2]
    for path, kind, text in BLOCK.findall(page):
        file = home / path
        if kind == "python":
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            continue
        changed = file.read_text()
        for old, new in re.findall(r"^-(.*)\n\+(.*)$", text, re.MULTILINE):
            assert f"{old}\n" in changed, f"{path} has no line {old}"
            changed = changed.replace(f"{old}\n", f"{new}\n")
        file.write_text(changed)
    for package in ("digests", "digests/migrations"):
        (home / package).mkdir(exist_ok=True)
        (home / package / "__init__.py").touch()


def run(home: Path, *command: str | Path, **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(home)} | environ,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("connectify")
    copy(home)
    follow_the_page(home)
    quiet = ("-W", "ignore")  # No database is there to be asked about migrations.
    run(home, sys.executable, *quiet, "manage.py", "makemigrations", "digests")
    run(home, sys.executable, "manage.py", "processes", "--write")
    return home


def touched(home: Path) -> set[str]:
    """The files that are new or not as they were, but for empty ones."""
    files = (path for path in home.rglob("*.*") if "__pycache__" not in path.parts)
    relative = [path.relative_to(home) for path in files if path.is_file() and path.stat().st_size]
    return {
        str(path)
        for path in relative
        if not (ROOT / path).exists() or not filecmp.cmp(ROOT / path, home / path, shallow=False)
    }


def test_seven_files_are_written_by_hand_and_commands_write_the_rest(clone):
    by_commands = {
        "digests/migrations/0001_initial.py",
        "docker/compose.yaml",
        "docker/prometheus.yml",
    }
    assert by_commands < touched(clone)
    by_hand = touched(clone) - by_commands
    assert len(by_hand) <= 7, by_hand
    table = (ROOT / "docs" / "extending.md").read_text().partition("by a checklist\n")[2]
    assert by_hand == set(re.findall(r"^\| `([\w/.]+)` \|", table, re.MULTILINE))


def test_its_processes_are_in_compose_and_prometheus(clone):
    services = yaml.safe_load((clone / "docker" / "compose.yaml").read_text())["services"]
    assert services["digests-consumer"]["command"][-2:] == ["consume", "digests"]
    assert services["digests-low-worker"]["command"][4:8] == ["-Q", "digests.low", "-c", "1"]
    targets = (clone / "docker" / "prometheus.yml").read_text()
    assert "- digests-consumer\n" in targets
    assert "- digests-low-worker\n" in targets


def test_the_linters_find_nothing(clone):
    run(clone, BIN / "ruff", "check", "digests", "connectify", "--exclude", "migrations")
    run(clone, BIN / "ruff", "format", "--check", "digests", "--exclude", "migrations")
    run(clone, BIN / "mypy", "--cache-dir", os.devnull)
    assert "0 broken" in run(clone, BIN / "lint-imports", "--no-logo")
    run(clone, sys.executable, "manage.py", "check")


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("from notifications.models import Preference", "digests is not allowed to import notif"),
        ("from operations import lag", "digests is not allowed to import operations"),
        ("from notifications.reads import count", "0 broken"),
        ("from social import accounts", "0 broken"),
    ],
)
def test_anothers_data_comes_by_layers_below_or_by_reads(clone, line, held):
    tasks, reads = clone / "digests" / "tasks.py", clone / "notifications" / "reads.py"
    before = tasks.read_text()
    try:
        reads.write_text("from notifications.models import Preference as count\n")
        tasks.write_text(f"{line}\n{before}")
        done = subprocess.run(
            [BIN / "lint-imports", "--no-logo"], cwd=clone, capture_output=True, text=True
        )
    finally:
        tasks.write_text(before)
        reads.unlink()
    assert held in done.stdout


def test_it_takes_events_works_and_is_seen(clone, broker, db):
    if "BROKER_MANAGEMENT_URL" not in os.environ:
        pytest.skip("needs a virtual host of its own, and so the broker's management API")
    vhost = vhosts.fresh(
        os.environ["BROKER_MANAGEMENT_URL"], os.environ["BROKER_URL"], "new-subscriber"
    )
    (clone / "tests").mkdir()
    for name in ("__init__.py", "bus.py"):
        shutil.copy(ROOT / "tests" / name, clone / "tests" / name)
    url = databases.make(os.environ["DATABASE_URL"], DATABASE)
    urls = {"DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "BROKER_URL": vhost}
    printed = run(clone, sys.executable, "-c", STEPS, **urls)
    assert "".join(line for line in printed.splitlines(True) if "[info" not in line) == PRINTED
