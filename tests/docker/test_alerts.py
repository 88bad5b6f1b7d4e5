"""The alert rules: as Prometheus reads them, and about figures that there are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client import REGISTRY

import events.worker  # noqa: F401  (its figures are registered)
from operations import canary
from operations.metrics import SystemCollector

DOCKER = Path(__file__).resolve().parent.parent.parent / "docker"
RULES = yaml.safe_load((DOCKER / "alerts.yaml").read_text())["groups"][0]["rules"]


def run_promtool(*arguments: str) -> None:
    if not (promtool := shutil.which("promtool")):
        pytest.skip("promtool is not installed: it is in Debian's package prometheus")
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules():
    run_promtool("check", "rules", str(DOCKER / "alerts.yaml"))


def test_prometheus_takes_its_configuration():
    run_promtool("check", "config", "--syntax-only", str(DOCKER / "prometheus.yml"))


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_is_about_figures_that_there_are(rule, broker):
    canary.release(now=timezone.now())
    named = set(re.findall(r"connectify_\w+", rule["expr"]))
    families = [*REGISTRY.collect(), *SystemCollector().collect()]
    there = {f"{family.name}{end}" for family in families for end in ("", "_total", "_count")}
    assert named <= there
