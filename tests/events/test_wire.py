import subprocess
import sys

EARLIER = """
import kombu
url = "amqp://127.0.0.1:1//"
kombu.Connection(url).transport
import events
print(type(kombu.Connection(url).transport).__module__)
"""


def test_a_connection_that_was_made_before_does_not_keep_kombus_own_transport_in_use():
    done = subprocess.run(
        [sys.executable, "-c", EARLIER], capture_output=True, text=True, check=True
    )
    assert done.stdout == "events.wire\n"
