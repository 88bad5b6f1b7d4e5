"""The walk of docs/api.md: its commands run, and print what is written there."""

import re
import shutil
import subprocess

import pytest

from devtools.processes import Supervisor, connectify
from tests.flow.conftest import ROOT

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the walk needs curl")

PAGE = (ROOT / "docs" / "api.md").read_text()
BLOCKS = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MARK = "-- the next command --"
# What differs from run to run, and what stands for it.
VARYING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"(after|before|cursor)=[^\"]+", r"\1=<cursor>"),
    (r"http://127\.0\.0\.1:\d+", "<origin>"),
    (r'"id":\d+', '"id":<id>'),
    (r'"p(50|95|99)":\d+', r'"p\1":<milliseconds>'),
)


def steps() -> list[tuple[str, str]]:
    """Each command, with what it prints."""
    found = []
    for line in "".join(BLOCKS).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(output)) for command, output in found]


def alike(text: str) -> str:
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return text.replace("\r", "").strip()


@pytest.fixture(scope="module")
def beat(processes, tmp_path_factory):
    """Starts the task that adds up the figures, which other flow tests do without."""
    home = tmp_path_factory.mktemp("beat")
    environ = processes.environ
    table = connectify(environ, web_port=0, flower_port=0)
    beat = Supervisor({"beat": table["beat"]}, root=ROOT, home=home, environ=environ)
    beat.start()
    yield
    beat.stop()


@pytest.fixture(scope="module")
def printed(processes, beat) -> list[str]:
    """What each command prints, all of them in one shell."""
    script = [f"API={processes.origin}/api/v1"]
    for command, _ in steps():
        script += [] if command.startswith("API=") else [command]
        script += ["echo", f"echo '{MARK}'"]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(MARK)[:-1]


@pytest.mark.parametrize("number", range(len(steps())))
def test_a_command_prints_what_the_page_says(number, printed):
    command, expected = steps()[number]
    assert alike(printed[number]) == alike(expected), command
