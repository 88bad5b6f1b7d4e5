"""Doing the same thing in several threads at the same moment, each with its own connection."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(action: Callable[[], object], threads: int = 4) -> list:
    """What each thread's call returned; fails if one raised or did not end in 20 s."""
    results, failures = [], []
    start = threading.Barrier(threads)

    def work() -> None:
        try:
            start.wait(10)
            results.append(action())
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert not failures, repr([(e, e.__cause__) for e in failures])
    assert len(results) == threads
    return results
