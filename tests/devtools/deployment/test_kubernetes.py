"""The Kubernetes manifests: as the processes and Kubernetes' schemas demand, built by kustomize."""

import json
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from devtools.deployment import files
from devtools.deployment.kubernetes import addons, network, table, workloads
from devtools.deployment.kubernetes.__main__ import FOLDER, written
from devtools.deployment.variables import Places
from events.lanes import lanes
from tests.devtools.deployment.written import ANSWERS, made_secrets

VERSION = "1.37"
# Kinds of operators have no schema among Kubernetes' own: see test_custom_resources.
CUSTOM = ("keda.sh", "monitoring.coreos.com", "kustomize.config.k8s.io")
PROCESSES = table.read()
DOCUMENTS = [
    document
    for path in sorted(FOLDER.rglob("*.yaml"))
    if path.parent.name != "env"
    for document in yaml.safe_load_all(path.read_text())
]


def ours(kind: str) -> dict[str, dict]:
    found = [document for document in DOCUMENTS if document["kind"] == kind]
    return {document["metadata"]["name"]: document for document in found}


def name_of(document: dict) -> str:
    return f"{document['kind']}-{document.get('metadata', {}).get('name', '')}"


def is_custom(document: dict) -> bool:
    return document["apiVersion"].partition("/")[0] in CUSTOM


@pytest.mark.parametrize("path", list(written()))
def test_the_files_are_as_the_processes_demand(path):
    assert (FOLDER / path).read_text() == written()[path], "run bin/manifests"


@pytest.mark.parametrize(
    "document", [each for each in DOCUMENTS if not is_custom(each)], ids=name_of
)
def test_kubernetes_takes_them(document):
    kubernetes_validate.validate(document, VERSION, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found():
    document = json.loads(json.dumps(ours("Deployment")["relay"]))
    document["spec"]["template"]["spec"]["containers"][0]["comand"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_every_process_of_the_compose_file_has_a_deployment_or_a_job():
    assert ours("Deployment").keys() | ours("Job").keys() == PROCESSES.keys()
    for name, process in PROCESSES.items():
        made = {**ours("Deployment"), **ours("Job")}[name]["spec"]["template"]["spec"]
        assert made["containers"][0]["args"] == list(process.command)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_pod_is_confined(name):
    pod = {**ours("Deployment"), **ours("Job")}[name]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_it_runs_as_the_user_of_the_image():
    assert f"USER {workloads.USER}" in (table.ROOT / "docker" / "Dockerfile").read_text()


def test_a_process_reaches_the_servers_that_it_has_addresses_of_and_no_others():
    reaches = {
        name: {
            label.removeprefix("needs-")
            for label in made["spec"]["template"]["metadata"]["labels"]
            if label.startswith("needs-")
        }
        for name, made in {**ours("Deployment"), **ours("Job")}.items()
    }
    assert reaches["beat"] == {"rabbitmq"}
    assert reaches["relay"] == {"postgres", "rabbitmq"}
    assert reaches["flower"] == {"rabbitmq", "management"}
    assert reaches["web"] == {"postgres", "rabbitmq", "valkey"}
    assert reaches["notifications-high-worker"] == {"postgres", "rabbitmq", "valkey", "push"}
    assert reaches["maintenance-worker"] == {"postgres", "rabbitmq", "mail"}
    assert set().union(*reaches.values()) == network.PORTS.keys()


def test_whoever_is_scaled_has_the_lanes_and_no_number_of_its_own():
    scaled = ours("ScaledObject")
    asked = [
        trigger["metadata"]["queueName"]
        for each in scaled.values()
        for trigger in each["spec"]["triggers"]
    ]
    assert sorted(asked) == sorted(lanes)
    patched = [patch["target"]["name"] for patch in addons.without_replicas()]
    assert sorted(patched) == sorted(scaled)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> list[dict]:
    """The example, with secrets of bin/env, as kustomize builds it."""
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("kubectl is not installed, by which kustomize runs here")
    folder = tmp_path_factory.mktemp("clone") / "kubernetes"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("env"))
    (folder / "example" / "env").mkdir()
    files.write(folder / "example" / "env", ANSWERS, made_secrets(), Places())
    done = subprocess.run(
        [kubectl, "kustomize", folder / "example"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_kustomize_builds_the_example_and_kubernetes_takes_it(built):
    for document in built:
        if not is_custom(document):
            kubernetes_validate.validate(document, VERSION, strict=True)
    spaces = {each["metadata"].get("namespace") for each in built if each["kind"] != "Namespace"}
    assert spaces == {"connectify"}


def test_every_secret_and_setting_that_a_pod_names_is_there(built):
    there = {(each["kind"], each["metadata"]["name"]) for each in built}
    for each in built:
        if each["kind"] not in ("Deployment", "Job"):
            continue
        for container in each["spec"]["template"]["spec"]["containers"]:
            for source in container["envFrom"]:
                if "secretRef" in source:
                    assert ("Secret", source["secretRef"]["name"]) in there
                else:
                    assert ("ConfigMap", source["configMapRef"]["name"]) in there
            assert container["image"].startswith("registry.example.com/connectify:")


def test_a_scaled_deployment_has_no_number_of_its_own(built):
    numbers = {
        each["metadata"]["name"]: each["spec"].get("replicas")
        for each in built
        if each["kind"] == "Deployment"
    }
    assert numbers["relay"] == 2
    assert {numbers[name] for name in ("web", *ours("ScaledObject"))} == {None}


NODE_MODULES = table.ROOT / "node_modules"
VALIDATE = Path(__file__).with_name("validate_custom_resources.mjs")


def validate_custom(documents: list[dict]) -> subprocess.CompletedProcess:
    if not shutil.which("node") or not (NODE_MODULES / "@kubernetes-models").exists():
        pytest.skip("the models of KEDA and Prometheus' operator are npm's: run bin/lint api")
    given = json.dumps(documents)
    return subprocess.run(
        ["node", VALIDATE], input=given, cwd=table.ROOT, capture_output=True, text=True, check=False
    )


def test_custom_resources_are_as_their_operators_schemas_demand():
    custom = [
        each for each in DOCUMENTS if is_custom(each) and "kustomize" not in each["apiVersion"]
    ]
    done = validate_custom(custom)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(custom)} are valid" in done.stdout


def test_a_custom_resource_with_a_mistake_is_found():
    scaled = json.loads(json.dumps(next(iter(ours("ScaledObject").values()))))
    scaled["spec"]["maxReplicaCount"] = "six"
    assert validate_custom([scaled]).returncode == 1
