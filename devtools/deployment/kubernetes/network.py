"""Network policies: a process reaches the servers that it has an address of, and nothing else."""

from collections.abc import Iterator

from devtools.deployment.kubernetes.workloads import FLOWER_PORT, METRICS_PORT, WEB_PORT

OURS = {"matchLabels": {"app.kubernetes.io/part-of": "connectify"}}
# By what a process needs: the ports on which that is reached.
PORTS = {
    "postgres": [5432],
    "rabbitmq": [5672],
    "management": [15672],
    "valkey": [6379],
    "mail": [25, 465, 587],
    "push": [443],
}
# Addresses of clouds and machines: a push service is none of them. Connectify checks that, too.
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"]


def manifests() -> Iterator[dict]:
    yield policy("nothing", OURS, {"policyTypes": ["Ingress", "Egress"]})
    dns = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    names = {"to": [dns], "ports": [port(53, "UDP"), port(53)]}
    yield policy("names", OURS, {"policyTypes": ["Egress"], "egress": [names]})
    for need, ports in PORTS.items():
        rule: dict = {"ports": [port(number) for number in ports]}
        if need == "push":
            rule["to"] = [
                {"ipBlock": {"cidr": "0.0.0.0/0", "except": PRIVATE}},
                {"ipBlock": {"cidr": "2000::/3"}},
            ]
        labels = {"matchLabels": {f"needs-{need}": "true"}}
        yield policy(f"to-{need}", labels, {"policyTypes": ["Egress"], "egress": [rule]})
    # Whoever is let in by labels of namespaces is for the overlay; these are the ports.
    for name, number in (("web", WEB_PORT), ("flower", FLOWER_PORT)):
        selected = {"matchLabels": {"app.kubernetes.io/name": name}}
        rule = {"from": [{"namespaceSelector": {}}], "ports": [port(number)]}
        yield policy(f"into-{name}", selected, {"policyTypes": ["Ingress"], "ingress": [rule]})
    figures = {"from": [{"namespaceSelector": {}}], "ports": [port(METRICS_PORT)]}
    yield policy("into-metrics", OURS, {"policyTypes": ["Ingress"], "ingress": [figures]})


def policy(name: str, selector: dict, spec: dict) -> dict:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {"podSelector": selector, **spec},
    }


def port(number: int, protocol: str = "TCP") -> dict:
    return {"protocol": protocol, "port": number}
