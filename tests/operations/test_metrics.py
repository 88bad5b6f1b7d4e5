"""Metrics, as Prometheus gets them."""

import os
import subprocess
import sys
from urllib.request import urlopen

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from devtools.servers.ports import Ports
from events.publisher import Publisher
from events.registry import subscribers
from events.relay import relay_batch
from social import posts
from tests.bus import work_off
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture
def samples(client, settings):
    """Return our samples, by name and label values."""
    settings.METRICS_TOKEN = "let me in"

    def ask() -> dict[tuple, float]:
        answer = client.get("/metrics", headers={"Authorization": "Bearer let me in"})
        return {
            (sample.name.removeprefix("connectify_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(answer.content.decode())
            for sample in family.samples
            if sample.name.startswith("connectify_")
        }

    return ask


def test_a_post_is_counted_at_every_hop(samples, alice, broker):
    before = samples()
    posts.publish(alice, "hi", now=timezone.now())
    assert samples()["operations_outbox_messages",] == 1
    publisher = Publisher(os.environ["BROKER_URL"])
    relay_batch(publisher)
    publisher.close()
    assert samples()["operations_queue_messages", "timeline.worker"] == 1
    work_off(subscribers["timelines"], 1)
    after = samples()
    for key in (
        ("events_published_total", "post.created"),
        ("events_outbox_seconds_count",),
        ("events_handled_total", "post.created", "timelines"),
        ("events_age_seconds_count", "timelines"),
    ):
        assert after[key] == before.get(key, 0) + 1
    assert after["operations_queue_messages", "timelines.high"] == 1
    assert after["operations_queue_messages", "timeline.worker"] == 0
    assert after["operations_broker_up",] == 1
    assert after["operations_lag_target_seconds", "notifications"] == 5


def test_requests_are_counted_by_route(samples, client):
    key = ("web_request_seconds_count", "GET", "api/v1/timeline/", "401")
    before = samples().get(key, 0)
    client.get("/api/v1/timeline/")
    client.get("/nowhere/at/all/")
    after = samples()
    assert after[key] == before + 1
    assert ("web_request_seconds_count", "GET", "none", "404") in after


def test_without_the_broker_all_other_metrics_are_there(samples, settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    found = samples()
    assert found["operations_broker_up",] == 0
    assert found["operations_outbox_messages",] == 0
    assert ("operations_queue_messages", "timeline.worker") not in found


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", "Bearer \xe9"])
@pytest.mark.parametrize("token", ["", "let me in"])
def test_without_the_token_there_is_no_such_page(client, settings, token, header):
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers={"Authorization": header}).status_code == 404


def test_a_process_without_a_web_server_serves_metrics_on_its_own_port(tmp_path, broker):
    ports = Ports(tmp_path / "ports.json")
    ports.claim("metrics")
    environ = os.environ | {
        "METRICS_PORT": str(ports["metrics"]),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    command = [sys.executable, "manage.py", "consume", "dead_letters"]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)

    def answer() -> str:
        try:
            with urlopen(f"http://127.0.0.1:{ports['metrics']}/metrics", timeout=5) as response:
                return response.read().decode()
        except OSError:
            return ""

    try:
        assert "connectify_events_outbox_seconds" in until(answer)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_a_push_service_that_rejects_us_is_reported(samples, broker, rejecting):
    assert samples()["operations_push_rejected", rejecting] == 1
