"""bin/manifests: write kubernetes/ from docker/compose.yaml and what the apps declare."""

import sys
from collections.abc import Iterable

import yaml

from devtools.deployment.kubernetes import addons, network, table, workloads

FOLDER = table.ROOT / "kubernetes"
HEADER = "# Written by bin/manifests from docker/compose.yaml and what the apps declare.\n"
KUSTOMIZE = "kustomize.config.k8s.io/"


class Plain(yaml.SafeDumper):
    """Without anchors, which Kubernetes' tools read differently."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def written() -> dict[str, str]:
    """The files by their paths in kubernetes/."""
    processes = table.read()
    base = {f"{name}.yaml": workloads.manifests(each) for name, each in processes.items()}
    base["network.yaml"] = network.manifests()
    made = {
        **{f"base/{name}": documents for name, documents in base.items()},
        "base/kustomization.yaml": [kustomization(*base)],
        "keda/scaling.yaml": addons.scaling(),
        "keda/kustomization.yaml": [
            component("scaling.yaml") | {"patches": addons.without_replicas()}
        ],
        "monitoring/monitors.yaml": addons.monitoring(),
        "monitoring/kustomization.yaml": [component("monitors.yaml")],
    }
    return {path: HEADER + dumped(documents) for path, documents in made.items()}


def kustomization(*resources: str) -> dict:
    return {
        "apiVersion": f"{KUSTOMIZE}v1beta1",
        "kind": "Kustomization",
        "resources": list(resources),
    }


def component(*resources: str) -> dict:
    return kustomization(*resources) | {"apiVersion": f"{KUSTOMIZE}v1alpha1", "kind": "Component"}


def dumped(documents: Iterable[dict]) -> str:
    return yaml.dump_all(documents, Dumper=Plain, sort_keys=False, width=120)


def main() -> int:
    for path, text in written().items():
        (FOLDER / path).write_text(text)
        print(f"kubernetes/{path} is up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
