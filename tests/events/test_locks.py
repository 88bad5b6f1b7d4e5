import threading

import pytest
from django.db import connection

from events.locks import held


@pytest.mark.django_db(transaction=True)
def test_a_lock_is_held_by_one_process_at_a_time():
    taken, release = threading.Event(), threading.Event()

    def other_process():
        with held("test"):
            taken.set()
            release.wait(10)
        connection.close()

    other = threading.Thread(target=other_process)
    other.start()
    taken.wait(10)
    with held("test") as mine:
        assert not mine
    release.set()
    other.join(10)
    with held("test") as mine:
        assert mine
