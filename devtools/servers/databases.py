"""Makes databases for tools on a PostgreSQL server, with Connectify's tables."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from devtools.servers.process import ServerFailure


def url(server_url: str, name: str) -> str:
    """The URL of the database `name` on the server of `server_url`."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def make(server_url: str, name: str) -> str:
    """Drop the database if it exists, create it, and return its URL. Raises psycopg2.Error."""
    connection = psycopg2.connect(server_url, connect_timeout=5)
    # CREATE DATABASE cannot run inside a transaction.
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            quoted = sql.Identifier(name)
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
            cursor.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
    finally:
        connection.close()
    return url(server_url, name)


def migrate(root: Path, environ: Mapping[str, str]) -> None:
    """Create the tables with the clone at `root`; raises ServerFailure with the whole output."""
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"],
        cwd=root,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailure(f"{done.stdout.strip()}\nmanage.py migrate failed: see above")
