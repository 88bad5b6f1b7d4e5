"""The push service as a process of its own, as the demo runs it."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from devtools.push_service import read_receipts

ROOT = Path(__file__).parents[3]


@contextmanager
def push_service_process(tmp_path, *options):
    """(process, origin) once the port file is there; killed if the test did not stop it."""
    port_file = tmp_path / "port"
    command = [sys.executable, "-m", "devtools.push_service", "--port-file", port_file, *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not port_file.exists():
                assert process.poll() is None, "the push service ended early"
                assert time.monotonic() < deadline, "the push service did not come up"
                time.sleep(0.02)
            yield process, f"http://127.0.0.1:{port_file.read_text().strip()}"
        finally:
            process.kill()


def test_sigterm_ends_the_process_and_writes_the_record(tmp_path):
    record = tmp_path / "receipts"
    with push_service_process(tmp_path, "--record", record) as (process, origin):
        refused = requests.post(f"{origin}/push/alice", b"no TTL", timeout=5)
        served = requests.get(f"{origin}/receipts", timeout=5).content
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0

    assert refused.status_code == 400
    (receipt,) = read_receipts(record.read_bytes().splitlines())
    assert (receipt.token, receipt.status, receipt.body) == ("alice", 400, b"no TTL")
    assert record.read_bytes() == served


def test_receipts_are_cleared_between_two_runs(tmp_path):
    with push_service_process(tmp_path) as (_, origin):
        requests.post(f"{origin}/push/alice", b"no TTL", timeout=5)
        requests.delete(f"{origin}/receipts", timeout=5)
        count = requests.get(f"{origin}/receipts/count", timeout=5).json()

    assert count == {"requests": 0, "accepted": 0, "bearer_tokens": 0}


def test_order_that_makes_no_sense_is_refused(tmp_path):
    orders = [b"", b"[1]", b'{"how": 99}', b'{"how": "sulk"}', b'{"when": 1}', b'{"first": 0}']
    with push_service_process(tmp_path) as (_, origin):
        for order in orders:
            response = requests.put(f"{origin}/control/alice", order, timeout=5)
            assert response.status_code == 400, order
