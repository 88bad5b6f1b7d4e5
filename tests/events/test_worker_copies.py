"""Workers with the same command line, and one that reconnects before the broker has noticed that
its old connection is gone."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import amqp.exceptions
import pytest
from django.db import connection

from celery_app import app
from devtools.faults.proxy import Proxy
from tests.waiting import until
from tests.worker_app import note_text

# Slow: the tests wait until a queue expires and a broker notices a lost connection.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

COMMAND = ("-m", "celery", "-A", "tests.worker_app", "worker", "-c", "1")
PLACE = ("-Q", "operations.low", "-n", "copy@%h", "-l", "CRITICAL")


@contextmanager
def worker(broker_url: str) -> Iterator[subprocess.Popen]:
    name = f"/{connection.settings_dict['NAME']}"
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=name))
    process = subprocess.Popen(
        [sys.executable, *COMMAND, *PLACE],
        env=os.environ | {"DATABASE_URL": database, "BROKER_URL": broker_url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def names() -> list[str]:
    """Return the names of the workers that answer."""
    return sorted(name for reply in app.control.ping(timeout=1) for name in reply)


def is_gone(broker, queue: str) -> bool:
    try:
        with broker.channel() as channel:
            channel.queue_declare(queue, passive=True)
    except amqp.exceptions.NotFound:
        return True
    return False


@pytest.fixture
def done(tmp_path: Path) -> Callable[[], None]:
    """Assert that a task that is sent now is run."""
    notes = tmp_path / "notes"

    def check() -> None:
        before = notes.read_text() if notes.exists() else ""
        note_text.enqueue(path=str(notes), text="done")
        until(lambda: notes.exists() and notes.read_text() == before + "done\n", 40)

    return check


def test_two_workers_with_one_command_line_run_side_by_side(broker, done):
    with ExitStack() as stack:
        copies = [stack.enter_context(worker(os.environ["BROKER_URL"])) for _ in range(2)]
        known = until(lambda: len(names()) == 2 and names(), 40)
        assert all(name.startswith("copy@") for name in known)
        done()
        assert [copy.poll() for copy in copies] == [None, None]
    assert [copy.returncode for copy in copies] == [0, 0]
    # Their control queues do not accumulate at the broker: a queue expires after 10 s without a
    # worker, and without a passive declaration as in is_gone().
    until(lambda: all(is_gone(broker, f"{name}.celery.pidbox") for name in known), every=12)


def test_a_worker_whose_connection_is_half_reset_goes_on(broker, done):
    address = urlsplit(os.environ["BROKER_URL"])
    proxy = Proxy(address.port).start()
    netloc = address.netloc.replace(str(address.port), str(proxy.port))
    try:
        with worker(urlunsplit(address._replace(netloc=netloc))) as one:
            (name,) = until(names, 40)
            done()
            proxy.half_cut()
            done()
            assert until(names, 10) == [name]
            assert one.poll() is None
            assert proxy.cuts > 0
    finally:
        proxy.stop()
