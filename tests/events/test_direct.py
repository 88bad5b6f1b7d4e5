import pytest
from django.db import connection

from events.direct import own_session, session
from events.locks import held

# Other tests may hold locks in their own databases at the same time.
HOLDERS = """
    SELECT pid = pg_backend_pid() FROM pg_locks
    WHERE locktype = 'advisory'
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def holders() -> list[bool]:
    """For each advisory lock, whether this connection holds it."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        return [row[0] for row in cursor]


@pytest.mark.django_db(transaction=True)
def test_without_a_pooler_the_default_connection_holds_the_lock():
    with session() as holder, held("test") as taken:
        assert holder is connection
        assert (taken, holders()) == (True, [True])
    assert holders() == []


@pytest.mark.django_db(transaction=True)
def test_behind_a_pooler_a_direct_session_holds_the_lock(settings):
    # Another name of the same server takes the place of the pooler's address.
    settings.DATABASE_DIRECT = {"HOST": "localhost"}
    assert connection.settings_dict["HOST"] != "localhost"
    assert own_session().settings_dict["HOST"] == "localhost"
    with held("test") as taken:
        assert (taken, holders()) == (True, [False])
        with held("test") as again:
            assert not again
    assert holders() == []
