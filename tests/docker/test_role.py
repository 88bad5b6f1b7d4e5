"""The role that docker/postgres.sql makes: owner of its database, and nothing more."""

import psycopg2
import pytest
from psycopg2 import errors

from tests.docker.deployed import NAME, Deployment, deployment


@pytest.fixture
def deployed(tmp_path, broker, db):
    with deployment(tmp_path) as made:
        yield made


@pytest.fixture
def session(deployed: Deployment):
    connection = psycopg2.connect(deployed.environ("relay")["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE another",
        "CREATE DATABASE another",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('postgresql.conf')",
        "SELECT * FROM pg_authid",
        "ALTER SYSTEM SET fsync = off",
    ],
)
def test_it_is_no_superuser(session, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute(statement)


def test_it_owns_its_database_and_makes_tables(session):
    session.execute("CREATE TABLE mine (id int)")
    session.execute(f"ALTER DATABASE {NAME} SET lock_timeout = '10s'")


def test_it_sees_what_others_do(session):
    """For doctor, which names transactions that somebody has left open."""
    session.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE query = '<insufficient privilege>'"
    )
    assert session.fetchone() == (0,)
