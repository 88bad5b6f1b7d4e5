"""Deployments, Jobs, Services, disruption budgets and the web's autoscaler."""

from collections.abc import Iterator

from devtools.deployment.kubernetes.table import IMAGE, ONCE, Process

USER = 10001  # Of docker/Dockerfile.
WEB_PORT, FLOWER_PORT, METRICS_PORT = 8000, 5555, 9100
# Until the endpoints of a pod that ends are forgotten everywhere.
DRAIN_SECONDS = 5


def manifests(process: Process) -> Iterator[dict]:
    """What belongs to one process."""
    if process.name in ONCE:
        yield job(process)
        return
    yield deployment(process)
    if process.name in ("web", "flower"):
        yield service(process)
    if process.replicas > 1:
        yield budget(process)
    if process.name == "web":
        yield autoscaler(process)


def deployment(process: Process) -> dict:
    spec = {
        "replicas": process.replicas,
        "selector": {"matchLabels": process.labels},
        # No request and no task waits while a pod is replaced.
        "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": metadata(process, name=False), "spec": pod(process)},
    }
    if process.name == "web":
        del spec["replicas"]  # The autoscaler's.
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(process),
        "spec": spec,
    }


def job(process: Process) -> dict:
    """A Job cannot be changed: before the next deploy it must be gone. It goes by itself after ten
    minutes."""
    template = {"metadata": metadata(process, name=False), "spec": pod(process)}
    template["spec"]["restartPolicy"] = "OnFailure"
    spec = {"backoffLimit": 6, "ttlSecondsAfterFinished": 600, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(process), "spec": spec}


def pod(process: Process) -> dict:
    made = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,  # They would be variables by the names of ours.
        "terminationGracePeriodSeconds": process.grace_seconds + DRAIN_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(process, process.command) | probes(process)],
        "volumes": [
            {"name": name, "emptyDir": {"medium": "Memory"}} for name in ("tmp", "metrics")
        ],
    }
    if process.name not in ONCE and "postgres" in process.needs:
        # It waits for the Job that migrates.
        made["initContainers"] = [
            container(process, ("python", "manage.py", "migrate", "--check")) | {"name": "migrated"}
        ]
    if process.replicas > 1 and process.name not in ONCE:
        made["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": process.labels},
            }
        ]
    return made


def container(process: Process, command: tuple[str, ...]) -> dict:
    return {
        "name": process.name,
        "image": IMAGE,
        "args": list(command),
        "env": [{"name": name, "value": value} for name, value in process.environment.items()],
        "envFrom": [
            {"configMapRef": {"name": "settings"}},
            {"secretRef": {"name": process.name}},
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"cpu": process.cpus, "memory": process.memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "metrics", "mountPath": "/metrics"},
        ],
    }


def probes(process: Process) -> dict:
    """Ports and probes of the main container."""
    if process.name == "web":
        # The kubelet would ask for the pod's address, which is not in ALLOWED_HOSTS.
        host = [{"name": "Host", "value": "localhost"}]
        ready = {"httpGet": {"path": "/health/ready/", "port": "http", "httpHeaders": host}}
        alive = {"httpGet": {"path": "/health/live/", "port": "http", "httpHeaders": host}}
        return {
            "ports": [{"name": "http", "containerPort": WEB_PORT}],
            "readinessProbe": ready | {"periodSeconds": 5},
            "livenessProbe": alive
            | {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
            "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        }
    if process.name == "flower":
        return {
            "ports": [{"name": "http", "containerPort": FLOWER_PORT}],
            "readinessProbe": {"httpGet": {"path": "/healthcheck", "port": "http"}},
        }
    if process.serves_metrics:
        return {
            "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
            "readinessProbe": {"httpGet": {"path": "/", "port": "metrics"}, "timeoutSeconds": 5},
        }
    return {}


def service(process: Process) -> dict:
    port = {"web": WEB_PORT, "flower": FLOWER_PORT}[process.name]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(process),
        "spec": {
            "selector": process.labels,
            "ports": [{"name": "http", "port": port, "targetPort": "http"}],
        },
    }


def budget(process: Process) -> dict:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(process),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": process.labels}},
    }


def autoscaler(process: Process) -> dict:
    """By CPU time: the web waits for little else."""
    usage = {"type": "Utilization", "averageUtilization": 300}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(process),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": process.name},
            "minReplicas": process.replicas,
            "maxReplicas": 6,
            # Of the request of 0.1 CPU: a third of what a pod may use.
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}],
        },
    }


def metadata(process: Process, *, name: bool = True) -> dict:
    """A pod's labels also say what it may connect to: the network policies select by them."""
    needs = {f"needs-{each}": "true" for each in process.needs}
    if process.serves_metrics:
        needs["serves-metrics"] = "true"
    labels = process.labels | (needs if not name else {})
    return {"name": process.name, "labels": labels} if name else {"labels": labels}
