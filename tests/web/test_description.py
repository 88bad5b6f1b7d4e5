"""The API's description, docs/openapi.yaml: up to date, with examples, and true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from jsonschema import Draft202012Validator

from tests.web.conftest import ROOT

FILE = ROOT / "docs" / "openapi.yaml"
DESCRIPTION = yaml.safe_load(FILE.read_text())
OPERATIONS = {
    operation["operationId"]: operation
    for operations in DESCRIPTION["paths"].values()
    for operation in operations.values()
}
# Of the tests in every run, so that one fails only by what has changed; the slow ones draw theirs.
SEED = ("--seed", "1")
# By these the token of a run would end.
ENDING = "accounts_(logout_create|close_create|tokens_destroy|tokens_destroy_all)$"


def test_it_is_up_to_date(tmp_path):
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made))
    hint = "to bring it up to date: python manage.py spectacular --file docs/openapi.yaml"
    assert made.read_text() == FILE.read_text(), hint


def _bodies(operation: dict) -> list[dict]:
    """What an operation takes, and what it gives when all is well."""
    answers = [answer for status, answer in operation["responses"].items() if status < "300"]
    contents = [part.get("content", {}) for part in (operation.get("requestBody", {}), *answers)]
    return [content["application/json"]["schema"] for content in contents if content]


def _component(schema: dict) -> dict:
    """The component that a body is, is a list of, or may be."""
    schema = schema.get("items", schema)
    if "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return _component(schema["oneOf"][0]) if "oneOf" in schema else schema


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_has_an_example_that_fits(name):
    for body in _bodies(OPERATIONS[name]):
        component = _component(body)
        assert component.get("examples"), component
        for example in component["examples"]:
            schema = component | {"components": DESCRIPTION["components"]}
            Draft202012Validator(schema).validate(example)


def test_every_operation_says_how_it_refuses():
    """The linter's rule for this is off, for health takes nothing that could be refused."""
    for name, operation in OPERATIONS.items():
        refuses = any(status.startswith("4") for status in operation["responses"])
        assert refuses != name.startswith("health")


ANSWERS = [
    (name, status)
    for name, operation in OPERATIONS.items()
    if not name.startswith("health")
    for status in operation["responses"]
]


def _answer(name: str, status: str) -> dict:
    answer = OPERATIONS[name]["responses"][status]
    reference = answer.get("$ref", "").rpartition("/")[2]
    return DESCRIPTION["components"]["responses"][reference] if reference else answer


@pytest.mark.parametrize(("name", "status"), ANSWERS)
def test_every_answer_has_its_headers(name, status):
    described = _answer(name, status)["headers"].keys()
    assert described >= {"X-Request-Id", "RateLimit", "RateLimit-Policy"}
    assert ("Retry-After" in described) == (status in ("429", "503"))
    # What can be kept by a client can be asked for again.
    assert ("ETag" in described) == (
        status < "400"
        and {"$ref": "#/components/parameters/If-None-Match"} in OPERATIONS[name]["parameters"]
    )


def test_pages_and_repeated_posts_have_headers_of_their_own():
    assert "Link" in _answer("timeline_retrieve", "200")["headers"]
    assert "Link" in _answer("blocks_retrieve", "200")["headers"]
    assert "Idempotent-Replayed" in _answer("posts_create", "201")["headers"]


def test_a_device_is_renamed_to_something():
    assert DESCRIPTION["components"]["schemas"]["PatchedSubscriptionRequest"]["required"] == [
        "name"
    ]


def test_a_body_is_required_where_one_without_fields_would_be_refused():
    bodies = {
        name: operation["requestBody"]["required"]
        for name, operation in OPERATIONS.items()
        if "requestBody" in operation
    }
    assert [name for name, required in bodies.items() if not required] == []


def test_health_is_described_with_what_it_says_when_not_ready():
    assert OPERATIONS["health_live_retrieve"]["responses"].keys() == {"200"}
    assert OPERATIONS["health_ready_retrieve"]["responses"].keys() == {"200", "503"}


def schemathesis(origin: str, *arguments: str) -> None:
    """Run it, with all checks; an assertion error with its report where one fails."""
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(FILE), "--url", origin]
    # One worker: another would delete what this one has made, and then looks for.
    always = ("--checks", "all", "--workers", "1", "--generation-database", "none", "--no-color")
    done = subprocess.run(
        [*command, *always, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    report = done.stdout[-20_000:] + done.stderr[-2_000:]
    assert done.returncode == 0, report
    # Requests that it could not make itself are no failures to it.
    assert not re.search(r"\d+ errored", done.stdout), report


def bearer(person) -> tuple[str, str]:
    return "-H", f"Authorization: Bearer {person.token}"


@pytest.fixture
def person(world):
    """Somebody with posts, a follower and somebody to follow."""
    alice, bob = world.sign_up("alice"), world.sign_up("bob")
    world.follow(bob, alice)
    world.follow(alice, bob)
    for number in range(3):
        world.post(alice, f"post {number}")
    return alice


# More than a minute in all, in which thousands of requests of all kinds are made.
@pytest.mark.timeout(300)
def test_the_server_keeps_to_it_for_who_is_logged_in(origin, person):
    ours = ("--exclude-operation-id-regex", ENDING)
    schemathesis(origin, *bearer(person), *ours, *SEED, "--max-time", "20")


@pytest.mark.timeout(300)
def test_the_server_keeps_to_it_for_everybody_else(origin):
    schemathesis(origin, *SEED, "--max-time", "5")


@pytest.mark.timeout(300)
def test_the_server_keeps_to_it_for_who_logs_out(origin, world):
    theirs = ("--include-operation-id-regex", ENDING)
    schemathesis(origin, *bearer(world.sign_up("carol")), *theirs, *SEED, "--max-time", "5")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_server_keeps_to_it_for_long_for_who_is_logged_in(origin, person):
    ours = ("--exclude-operation-id-regex", ENDING)
    schemathesis(origin, *bearer(person), *ours, "--max-time", "300")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_server_keeps_to_it_for_long_for_everybody_else(origin):
    schemathesis(origin, "--max-time", "120")
