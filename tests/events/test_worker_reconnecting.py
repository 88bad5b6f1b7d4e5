"""How soon a worker reconnects to its broker."""

import os
import threading
from urllib.parse import urlsplit, urlunsplit

from structlog.testing import capture_logs

from celery_app import app
from devtools.faults.proxy import Proxy
from events.worker import RECONNECT_SECONDS, SafeConsumer


def test_the_wait_between_attempts_to_connect_does_not_grow(broker):
    url = urlsplit(os.environ["BROKER_URL"])
    proxy = Proxy(url.port).start()
    proxy.refuse()
    # Only the part that connects, since a complete consumer needs a worker around it.
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
