"""bin/backup and bin/restore: what was saved works again in an empty stack."""

import asyncio
import io
import os
import secrets
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from devtools.demo.demand import Demand
from devtools.demo.measurement import Measurement
from devtools.demo.plan import Plan
from devtools.demo.verdict import judge
from devtools.lab import population
from devtools.lab.api import Api
from devtools.lab.environment import Environment
from devtools.lab.progress import Progress
from devtools.lab.random_graph import generate_graph
from devtools.lab.receiver import NAME as RECEIVER
from devtools.lab.receiver import Receiver
from devtools.lab.records import Records
from devtools.servers import databases, vhosts
from devtools.servers.postgres import binaries
from tests.docker.deployed import NAME, role
from tests.environment import available, own_name, services
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
BIN = ROOT / "bin"


def run(program: str, folder: Path | str, url: str, **environ: str) -> subprocess.CompletedProcess:
    path = f"{binaries()}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [BIN / program, folder],
        env={"PATH": path, "DATABASE_URL": url, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def one(db) -> str:
    """The URL of a database with a table, whose name and password need quoting in a URL."""
    url = databases.make(available["DATABASE_URL"], own_name("backup one"))
    url = url.replace(" ", "%20")
    with psycopg2.connect(url) as connection:
        connection.cursor().execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id")
    connection.close()
    return url


@pytest.fixture
def another(db) -> str:
    return databases.make(available["DATABASE_URL"], own_name("backup_two"))


def count(url: str) -> int:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM kept")
            return cursor.fetchone()[0]
    finally:
        connection.close()


def test_the_tables_and_the_secrets_come_back(tmp_path, one, another):
    (tmp_path / "secrets.json").write_text("{}")
    made = run("backup", tmp_path / "a", one, SECRETS=str(tmp_path / "secrets.json"))
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "a" / "secrets.json").read_text() == "{}"
    restored = run("restore", tmp_path / "a", another)
    assert restored.returncode == 0, restored.stderr
    assert count(another) == 1000


def test_only_its_owner_can_read_a_backup(tmp_path, one):
    run("backup", tmp_path / "a", one)
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "a").rglob("*")}
    assert modes == {0}


def test_a_damaged_backup_is_not_restored(tmp_path, one, another):
    run("backup", tmp_path / "a", one)
    data = next((tmp_path / "a" / "database").glob("*.dat*"))
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    restored = run("restore", tmp_path / "a", another)
    assert restored.returncode == 1
    assert "is damaged: nothing was restored" in restored.stderr


def test_a_database_that_holds_something_is_left_alone(tmp_path, one):
    run("backup", tmp_path / "a", one)
    restored = run("restore", tmp_path / "a", one)
    assert "is not empty: it has 1 tables" in restored.stderr
    assert count(one) == 1000


def test_a_backup_that_was_interrupted_has_no_folder(tmp_path, one):
    made = run("backup", tmp_path / "a", one.replace("backup", "no"))
    assert made.returncode != 0
    assert not (tmp_path / "a").exists()
    assert "is no complete backup" in run("restore", tmp_path / "a.partial", one).stderr
    assert run("backup", tmp_path / "a", one).returncode == 0


def test_a_slash_behind_the_folder_changes_nothing(tmp_path, one):
    made = run("backup", f"{tmp_path / 'a'}/", one)
    assert made.returncode == 0, made.stderr
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"about", "checksums", "database"}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_an_older_backup_is_not_overwritten(tmp_path, one):
    run("backup", tmp_path / "a", one)
    assert "is there already" in run("backup", tmp_path / "a", one).stderr


PG_DUMP = """#!/bin/sh
printf '%s ' "$@" "$PGUSER" "$PGPASSWORD" "$PGHOST" "$PGPORT" "$PGDATABASE" "$PGSSLMODE" >&2
exit 1
"""


def test_a_password_is_given_to_pg_dump_by_a_variable_and_by_no_argument(tmp_path):
    (tmp_path / "pg_dump").write_text(PG_DUMP)
    (tmp_path / "pg_dump").chmod(0o755)
    url = "postgres://ali%20ce:p%40ss%2Fw%25@db.example/na%20me?sslmode=require"
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DATABASE_URL": url}
    command = [BIN / "backup", tmp_path / "a"]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stderr
    arguments, _, variables = said.partition("ali ce ")
    assert variables.split() == ["p@ss/w%", "db.example", "5432", "na", "me", "require"]
    assert "p@ss" not in arguments


def prepare(environment: Environment, receiver: Receiver, url: str) -> None:
    """A stack on this database, with an empty broker; its tables are those of `migrate`."""
    vhosts.fresh(available["BROKER_MANAGEMENT_URL"], available["BROKER_URL"], "backup")
    broker = available["BROKER_URL"].rpartition("/")[0] + "/backup"
    urls = {"DATABASE_URL": url, "DATABASE_DIRECT_URL": url, "BROKER_URL": broker}
    environment.prepare({**os.environ, **urls}, **{RECEIVER: receiver.command})


@pytest.mark.slow  # Two stacks start and stop.
@pytest.mark.timeout(500)
def test_a_restored_stack_passes_the_check_of_the_demo_and_goes_on(tmp_path, broker, db):
    environment, progress = Environment("backup", services), Progress(io.StringIO())
    receiver = Receiver(environment.home, available["VAPID_PRIVATE_KEY"])
    plan = Plan.draw(generate_graph(400), 30)
    demand = Demand(plan)
    secret = secrets.token_hex(8)
    names = {"CONNECTIFY_ROLE": NAME, "CONNECTIFY_DATABASE": NAME, "CONNECTIFY_PASSWORD": secret}
    with environment.exclusive(), role(names):
        first = databases.make(available["DATABASE_URL"], "backup_of")
        prepare(environment, receiver, first)
        people = population.load(environment, plan.graph, members=plan.members)
        records = Records(first)
        measurement = Measurement(demand, people, environment, receiver, records, progress, 10.0)
        with environment.running(progress):
            found = asyncio.run(measurement.run())
        assert judge(demand, people.ids, found).passed

        made = run("backup", tmp_path / "a", first)
        assert made.returncode == 0, made.stderr
        second = f"postgres://{NAME}:{secret}@{first.rpartition('@')[2].rpartition('/')[0]}/{NAME}"
        restored = run("restore", tmp_path / "a", second)
        assert restored.returncode == 0, restored.stderr

        prepare(environment, receiver, second)
        records = Records(second)
        with environment.running(progress):
            again = replace(
                found,
                rows=records.rows(),
                created_posts=records.created_posts(),
                daily_counts=records.daily_counts(),
                timelines=asyncio.run(timelines(environment.origin, people, plan)),
            )
            verdict = judge(demand, people.ids, again)
            assert verdict.passed, verdict.notes
            author = plan.authors[0]
            asyncio.run(publish(environment.origin, people.tokens[author]))
            more = len(again.rows) + len(plan.graph.followers_of(author))
            until(lambda: len(records.rows()) == more, 60)


async def timelines(origin: str, people: population.Population, plan: Plan) -> dict[int, list]:
    async with Api(origin) as api:
        return {reader: await api.timeline(people.tokens[reader]) for reader in plan.readers}


async def publish(origin: str, token: str) -> None:
    async with Api(origin) as api:
        await api.publish(token, "After the restore")
