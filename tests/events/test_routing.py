import subprocess
import sys

from tests.bus import depth
from tests.waiting import until


def test_a_task_sent_by_its_name_from_the_command_line_goes_to_its_lane(broker):
    command = [sys.executable, "-m", "celery", "-A", "celery_app", "call", "events.prune"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    until(lambda: depth(broker, "events.low") == 1)
