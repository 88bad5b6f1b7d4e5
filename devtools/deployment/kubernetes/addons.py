"""What needs an operator in the cluster: KEDA scales workers by their lanes, Prometheus' operator
asks for figures and raises the alerts."""

from collections.abc import Iterator

import yaml

from devtools.deployment.kubernetes.table import ROOT
from devtools.deployment.kubernetes.workloads import METRICS_PORT
from events import processes

# A replica more for each so many waiting tasks. A lane is full at 200 (TIMELINE_LANE_TASKS).
TASKS_A_REPLICA = 50
# Each worker holds a connection to PostgreSQL for each of its children.
MOST_REPLICAS = 6
ALERTS = ROOT / "docker" / "alerts.yaml"
KEDA = {"apiVersion": "keda.sh/v1alpha1"}
MONITORING = {"apiVersion": "monitoring.coreos.com/v1"}


def scaling() -> Iterator[dict]:
    """KEDA asks RabbitMQ's management API as the user who may only watch."""
    yield {
        **KEDA,
        "kind": "TriggerAuthentication",
        "metadata": {"name": "rabbitmq"},
        "spec": {"secretTargetRef": [{"parameter": "host", "name": "keda", "key": "host"}]},
    }
    for worker in processes.workers():
        yield {
            **KEDA,
            "kind": "ScaledObject",
            "metadata": {"name": worker.name},
            "spec": {
                "scaleTargetRef": {"name": worker.name},
                "minReplicaCount": 2,
                "maxReplicaCount": MOST_REPLICAS,
                "pollingInterval": 15,
                # A burst comes seldom alone, and a worker takes seconds to start.
                "cooldownPeriod": 300,
                "triggers": [trigger(lane) for lane in worker.lanes],
            },
        }


def trigger(lane: str) -> dict:
    return {
        "type": "rabbitmq",
        "metadata": {
            "protocol": "http",
            "vhostName": "/",
            "queueName": lane,
            "mode": "QueueLength",
            "value": str(TASKS_A_REPLICA),
        },
        "authenticationRef": {"name": "rabbitmq"},
    }


def without_replicas() -> list[dict]:
    """Patches: the number of a scaled process is KEDA's, and no apply sets it back."""
    return [
        {
            "target": {"kind": "Deployment", "name": worker.name},
            "patch": yaml.safe_dump([{"op": "remove", "path": "/spec/replicas"}]),
        }
        for worker in processes.workers()
    ]


def monitoring() -> Iterator[dict]:
    ours = {"app.kubernetes.io/part-of": "connectify"}
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "processes",
            "labels": {**ours, "app.kubernetes.io/name": "processes"},
        },
        "spec": {
            "clusterIP": "None",
            "selector": {**ours, "serves-metrics": "true"},
            "ports": [{"name": "metrics", "port": METRICS_PORT, "targetPort": "metrics"}],
        },
    }
    yield monitor("processes", {"port": "metrics"})
    token = {"type": "Bearer", "credentials": {"name": "web", "key": "METRICS_TOKEN"}}
    yield monitor("web", {"port": "http", "path": "/metrics", "authorization": token})
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    yield {
        **MONITORING,
        "kind": "PrometheusRule",
        "metadata": {"name": "connectify"},
        "spec": {"groups": groups},
    }


def monitor(name: str, endpoint: dict) -> dict:
    return {
        **MONITORING,
        "kind": "ServiceMonitor",
        "metadata": {"name": name},
        "spec": {
            # The alerts call it job.
            "jobLabel": "app.kubernetes.io/name",
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "endpoints": [{"interval": "15s", **endpoint}],
        },
    }
