"""docs/operations.md against the code: alerts, settings and commands."""

import re
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from events.processes import consumers, workers

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()
CODE = "".join(
    (ROOT / "connectify" / name).read_text() for name in ("settings.py", "environment.py")
)
RULES = yaml.safe_load((ROOT / "docker" / "alerts.yaml").read_text())["groups"][0]["rules"]
TABLE = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) ?\|", PAGE, re.MULTILINE))
NAMES = re.compile(r'(?:(?:env|self)(?:\.\w+)?|required)\(\s*"([A-Z_]+)"')
# Settings whose default is a plain value.
READ = re.compile(NAMES.pattern + r",\s*(?:default=)?([^()]+?)(?:, \([^()]*\))?,?\s*\)")


def plain(default: str) -> str:
    """A default as it is written in the table."""
    if default in ("", '""', "[]", "None"):
        return "none"
    return re.sub(r"(?<=\d)_(?=\d)", "", default).strip('"')


def test_every_setting_is_in_the_table_and_no_other():
    throttles = {f"THROTTLE_{scope}" for scope in re.findall(r'throttle\("([A-Z]+)"', CODE)}
    assert set(TABLE) == {*NAMES.findall(CODE), *throttles}


@pytest.mark.parametrize(("name", "default"), READ.findall(CODE))
def test_a_default_is_as_the_table_says(name, default):
    if name != "PUSH_HOSTS":
        assert TABLE[name] == plain(default)


@pytest.mark.parametrize("scope", re.findall(r'throttle\("([A-Z]+)", (.*?)\)', CODE))
def test_the_rates_of_throttles_are_as_the_table_says(scope):
    name, rates = scope
    assert TABLE[f"THROTTLE_{name}"] == plain(rates).replace(", ", ";")


def test_every_alert_has_a_section_and_every_section_an_alert():
    alerts = PAGE.partition("## Alerts")[2].partition("\n## ")[0]
    sections = re.findall(r"^### (\w+)$", alerts, re.MULTILINE)
    assert sorted(sections) == sorted(rule["alert"] for rule in RULES)


def test_connections_are_counted_for_the_processes_that_there_are():
    sizes = [worker.concurrency for worker in workers()]
    assert f"| {' + '.join(map(str, sizes))} = {sum(sizes)} |" in PAGE
    assert f"| consumer | 1 | {len(consumers())} |" in PAGE


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"manage\.py (\w+)", PAGE))
    assert named <= set(get_commands())
