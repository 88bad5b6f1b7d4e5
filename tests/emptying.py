"""Emptying the database after a test that commits.

Django's own way, the command `flush`, truncates every table and sends `post_migrate`, which fills
permissions and groups anew: most of the time of such a test. Here rows are deleted, and the tables
that `migrate` has filled are left alone while they are as it left them.
"""

from django.db import connection, transaction
from django.test import TransactionTestCase

# What `migrate` fills.
FILLED = ("auth_group", "auth_group_permissions", "auth_permission", "django_content_type")
CONTENT = " UNION ALL ".join(f"SELECT '{name}', t::text FROM {name} t" for name in FILLED)
FINGERPRINT = f"SELECT md5(string_agg(line::text, ',' ORDER BY line)) FROM ({CONTENT}) AS line"

flush = TransactionTestCase._fixture_teardown
_filled: str | None = None


def remember() -> None:
    """Call when the tables have been made, and no test has run."""
    global _filled
    _filled = _fingerprint()


def empty(case: TransactionTestCase) -> None:
    """Takes the place of TransactionTestCase's own clearing up."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        superuser = cursor.fetchone() == ("on",)
    if not superuser or _fingerprint() != _filled:
        flush(case)
        remember()
        return
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    deletions = [f'DELETE FROM "{name}"' for name in names if name not in FILLED]
    with transaction.atomic(), connection.cursor() as cursor:
        # As by TRUNCATE no trigger runs: those of follows would count in tables emptied before.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(deletions))


def _fingerprint() -> str:
    with connection.cursor() as cursor:
        cursor.execute(FINGERPRINT)
        return cursor.fetchone()[0]
