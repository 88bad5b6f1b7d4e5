"""The real servers: started, used, killed, started again with their data, stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import redis

from devtools.servers.proc import started_at, working_in
from devtools.servers.services import Services
from tests.devtools.servers.private_broker import letters, up_or_skip, write_letter

ROOT = Path(__file__).resolve().parents[3]
FOREIGN = ("DATABASE_URL", "BROKER_URL", "REDIS_URL")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Servers of a clone of their own, whose path has a space in it."""
    environ = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    root = tmp_path_factory.mktemp("a clone")
    services = Services(root, environ, unpacked=ROOT / ".services/rabbitmq-dist")
    up_or_skip(services)
    yield services
    services.down()


def query(services: Services, statement: str) -> object:
    connection = psycopg2.connect(services.postgres.url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


def wait_for(condition, limit: float = 20) -> bool:
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_every_server_answers_its_client_and_status_says_so(services):
    assert query(services, "SHOW fsync") == "on"
    assert query(services, "SELECT upper('é')") == "É"
    assert letters(services) == 0
    with redis.Redis.from_url(services.valkey.url) as client:
        assert client.ping()
    assert all(entry.reachable and entry.state == "running" for entry in services.status())


def test_a_second_up_starts_nothing(services):
    before = [server.pid for server in services.private]
    said = []
    services.up(said.append)
    assert [server.pid for server in services.private] == before
    assert all("was running" in line for line in said)


def test_a_path_with_a_space_does_not_blind_the_brokers_disk_monitor(services):
    free = services.rabbitmq.ctl("eval", "rabbit_disk_monitor:get_disk_free().")
    assert int(free) > 0


def test_after_a_sigkill_of_everything_up_finds_the_data_again(services):
    query(services, "CREATE TABLE kept AS SELECT 42 AS answer; SELECT answer FROM kept")
    letters(services)
    # RabbitMQ 3.10 writes a new quorum queue's name to disk up to a second later; killed before,
    # it forgets even confirmed messages of that queue (not those of older queues).
    time.sleep(2)
    write_letter(services)
    addresses = [server.address for server in services.private]
    for server in services.private:
        server.kill()
    services.rabbitmq.epmd.process.kill()
    assert [entry.state for entry in services.status()] == ["stopped"] * 3
    services.up()
    assert [server.address for server in services.private] == addresses
    assert query(services, "SELECT answer FROM kept") == 42
    assert wait_for(lambda: letters(services) == 1)


def test_a_stale_pid_file_whose_pid_another_process_got_does_not_hinder_postgresql(services):
    services.postgres.kill()
    pid_file = services.postgres.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    services.postgres.start()
    services.postgres.wait_ready()
    assert query(services, "SELECT 1") == 1


def test_backends_that_outlive_their_server_do_not_hinder_the_next(services):
    busy = psycopg2.connect(services.postgres.url)
    try:
        backend = busy.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(services.postgres.pid, signal.SIGKILL)
        assert services.postgres.process.wait_gone(limit=5)
        assert backend in [process.pid for process in working_in(services.postgres.data)]
        services.postgres.start()
        services.postgres.wait_ready()
        assert started_at(backend) is None
    finally:
        busy.close()


def test_another_clone_runs_beside_it(services, tmp_path):
    other = Services(tmp_path, services.environ)
    for server, twin in ((other.postgres, services.postgres), (other.valkey, services.valkey)):
        try:
            server.start()
            server.wait_ready()
            assert server.port != twin.port
        finally:
            server.stop()
        assert twin.running


def test_a_first_start_cut_short_leaves_nothing_in_the_way(services, tmp_path):
    """The initdb of the killed run goes on writing while the next run begins anew."""
    other = Services(tmp_path, services.environ)
    script = "from devtools.servers.services import Services; from pathlib import Path; import sys;"
    script += "Services(Path(sys.argv[1])).postgres.start()"
    environ = {"PATH": services.environ["PATH"], "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen([sys.executable, "-c", script, tmp_path], env=environ)
    assert wait_for(lambda: list(other.postgres.home.glob("creating-*/data/PG_VERSION")))
    first.kill()
    first.wait()
    other.postgres.start()
    try:
        other.postgres.wait_ready()
        assert query(other, "SELECT 1") == 1
    finally:
        other.postgres.stop()


def test_down_stops_everything_and_a_second_down_nothing(services):
    pids = [server.pid for server in services.private] + [services.rabbitmq.epmd.process.pid]
    said = []
    services.down(said.append)
    assert len(said) == 3
    assert not any(started_at(pid) for pid in pids)
    services.down(said.append)
    assert said[-1] == "nothing was running"
