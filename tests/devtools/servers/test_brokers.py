"""Versions of RabbitMQ side by side: one runs, and each keeps its own data."""

import os
from pathlib import Path

import pytest

from devtools.servers.proc import started_at
from devtools.servers.rabbitmq_releases import VARIABLE
from devtools.servers.services import Services
from tests.devtools.servers.private_broker import letters, up_or_skip, write_letter

ROOT = Path(__file__).resolve().parents[3]
NEW, OLD = "4.3", "4.0"

# Brokers are downloaded and started, four times.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def root(tmp_path):
    yield tmp_path
    clone(tmp_path).down(lambda line: None)


def clone(root: Path, asked: str = "", **environ: str) -> Services:
    """Where only RabbitMQ is a private server."""
    others = {name: os.environ[name] for name in ("PATH", "DATABASE_URL", "REDIS_URL")}
    unpacked = ROOT / ".services/rabbitmq-dist"
    return Services(root, others | environ, rabbitmq=asked, unpacked=unpacked)


def brought_up(root: Path, asked: str = "", **environ: str) -> Services:
    services = clone(root, asked, **environ)
    up_or_skip(services)
    return services


def version(services: Services) -> str:
    """As `bin/services status` says it."""
    entry = next(entry for entry in services.status() if entry.label == "RabbitMQ")
    assert f" {entry.version} running " in str(entry)
    return entry.version


def test_another_version_takes_the_place_of_the_first_and_leaves_its_data_alone(root):
    first = brought_up(root, OLD)
    letters(first)
    write_letter(first)
    assert version(first).startswith(OLD)

    second = brought_up(root, NEW)
    assert version(second).startswith(NEW)
    assert not first.rabbitmq.running
    assert second.rabbitmq.url == first.rabbitmq.url
    assert letters(second) == 0

    again = brought_up(root, **{VARIABLE: OLD})
    assert version(again).startswith(OLD)
    assert letters(again) == 1


def test_without_a_name_the_version_that_runs_goes_on_and_down_ends_it(root):
    pid = brought_up(root, OLD).rabbitmq.pid
    assert brought_up(root).rabbitmq.pid == pid
    epmd = clone(root).rabbitmq.epmd.process.pid
    # Whatever is asked for, all that runs is stopped.
    clone(root, NEW).down(lambda line: None)
    assert started_at(pid) is None
    assert started_at(epmd) is None
