"""What apps declare is read the same in every process, and before Django is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from celery_app import app
from connectify.installed import APPS
from events import processes
from events.lanes import Lane, lanes, periodic_tasks, register_lanes
from events.registry import Subscriber, subscribers

ROOT = Path(__file__).resolve().parent.parent.parent
TELL = """
import json
from django.apps import apps
from django.conf import settings
from events.lanes import lanes, periodic_tasks
from events.registry import subscribers
loaded = [settings.configured, apps.models_ready]
print(json.dumps([list(subscribers), list(lanes), list(periodic_tasks), loaded]))
"""
WITHOUT_DJANGO = "from connectify.installed import APPS; from events import declarations as d\n"


def told(first: str, **environ: str) -> list:
    """The names of subscribers, lanes and periodic tasks in a process that does this first; then
    whether it has read the settings, and the models."""
    done = subprocess.run(
        [sys.executable, "-c", first + TELL],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_they_are_read_without_settings_and_without_models():
    found = told(f"{WITHOUT_DJANGO}d.load(APPS)")
    assert found == [list(subscribers), list(lanes), list(periodic_tasks), [False, False]]


@pytest.mark.parametrize(
    "first",
    [
        "import django; django.setup()",  # Any command, and the web server.
        "import celery_app",  # `celery -A celery_app`.
        "import celery_app, django; django.setup()",
    ],
    ids=["django first", "celery first", "both"],
)
def test_their_order_is_the_same_whoever_loads_them_first(first):
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "connectify.settings"}
    assert told(first, **environ)[:3] == told(f"{WITHOUT_DJANGO}d.load(APPS)")[:3]


def test_every_periodic_task_runs_in_the_lane_that_it_declares():
    app.loader.import_default_modules()
    assert {name: app.tasks[name].lane for name in periodic_tasks} == {
        name: each.lane for name, each in periodic_tasks.items()
    }
    assert {each.lane for each in periodic_tasks.values()} <= set(lanes)


def test_every_lane_has_one_worker_which_is_called_after_it_or_shared():
    served = [lane for worker in processes.workers() for lane in worker.lanes]
    assert sorted(served) == sorted(lanes)
    for worker in processes.workers():
        if len(worker.lanes) == 1:
            assert worker.name == f"{worker.lanes[0].replace('.', '-')}-worker"


def test_a_worker_of_several_lanes_runs_as_many_tasks_as_the_most_demanding_one():
    (shared,) = [each for each in processes.workers() if len(each.lanes) > 1]
    assert shared.concurrency == max(lanes[name].concurrency for name in shared.lanes)


@pytest.mark.parametrize("field", ["ledger", "journey", "unsettled", "figures"])
def test_a_path_that_leads_nowhere_is_an_error(field):
    with pytest.raises(ImportError, match="nowhere"):
        Subscriber("new", "new.worker", {}, **{field: "nowhere.at_all"}).resolve_all()
    with pytest.raises(ImportError, match="nowhere"):
        Subscriber("new", "new.worker", {"post.created": "nowhere.at_all"}).resolve_all()


def test_a_declaration_that_imports_a_model_is_told_what_to_do(tmp_path):
    (tmp_path / "eager").mkdir()
    (tmp_path / "eager" / "subscriber.py").write_text("from social.models import User\n")
    environ = os.environ | {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", 'from events import declarations; declarations.load(["eager"])'],
        env=environ | {"DJANGO_SETTINGS_MODULE": "connectify.settings"},
        capture_output=True,
        text=True,
    )
    assert "eager.subscriber imports models, but it is read before models are" in done.stderr


def test_a_lane_cannot_be_declared_twice_and_differently():
    name = next(iter(lanes))
    with pytest.raises(ValueError, match="is registered twice, and differently"):
        register_lanes([Lane(name, concurrency=99)])


def test_apps_that_declare_something_are_installed():
    declaring = {path.parent.name for path in ROOT.glob("*/subscriber.py")}
    assert set(subscribers) == declaring < set(APPS)
