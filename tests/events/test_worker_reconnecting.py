"""How soon a worker has its broker back."""

import os
import threading
from urllib.parse import urlsplit, urlunsplit

from structlog.testing import capture_logs

from celery_app import app
from devtools.faults.proxy import Proxy
from events.worker import RECONNECT_SECONDS, SafeConsumer


def test_a_worker_waits_no_longer_for_its_broker_the_longer_it_was_away(broker):
    url = urlsplit(os.environ["BROKER_URL"])
    proxy = Proxy(url.port).start()
    proxy.refuse()
    # No more of it than what connects: a whole one wants a worker around it.
    consumer = SafeConsumer.__new__(SafeConsumer)
    consumer.app = app
    address = urlunsplit(url._replace(netloc=url.netloc.replace(str(url.port), str(proxy.port))))
    healing = threading.Timer(RECONNECT_SECONDS * 1.5, proxy.heal)
    healing.start()
    with capture_logs() as lines, consumer.connection_for_write(address) as connection:
        assert connection.connected
    assert [line["seconds"] for line in lines] == [RECONNECT_SECONDS] * 2
    healing.join()
    proxy.stop()
