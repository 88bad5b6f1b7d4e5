"""What the processes of a real run have logged."""

import json

import pytest

from devtools.push_service import Device, running_push_service
from tests.flow.world import PASSWORD
from tests.waiting import until

WORDS = "words that only the followers read"
GUESS = "a password that somebody guessed"


@pytest.fixture
def push_service():
    with running_push_service() as service:
        yield service


def lines(processes, *names: str) -> list[dict]:
    """Each line of the logs; an error where one is no JSON object."""
    texts = [processes.log(name).read_text() for name in names]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_no_token_password_push_key_or_content_is_logged(world, processes, push_service):
    alice, bob = world.sign_up("alice"), world.sign_up("bob")
    world.follow(bob, alice)
    device = Device.generate()
    body = device.subscription(push_service.origin)
    assert world.call(bob, "POST", "push/subscriptions/", body).status_code == 201
    post_id = world.post(alice, WORDS)
    world.call(alice, "PATCH", f"posts/{post_id}/", {"content": f"{WORDS} anew"})
    until(lambda: push_service.receipts.of(device.token))
    for refused in ({"content": WORDS, "id": 1}, {"content": WORDS * 1000}, [WORDS]):
        assert world.call(alice, "POST", "posts/", refused).status_code == 400
    wrong = {"current_password": GUESS, "password": GUESS}
    assert world.call(alice, "POST", "accounts/password/", wrong).status_code == 403
    logged = "".join(processes.log(name).read_text() for name in processes.table)
    secrets = [WORDS, GUESS, PASSWORD, alice.token, bob.token, *body["keys"].values()]
    assert [secret for secret in [*secrets, body["endpoint"]] if secret in logged] == []


def test_lines_are_json_and_name_request_and_user(world, processes):
    alice = world.sign_up("alice")
    answer = world.call(alice, "GET", "accounts/me/")
    request_id = answer.headers["X-Request-Id"]
    found = until(lambda: [x for x in lines(processes, "web") if x.get("request_id") == request_id])
    assert (found[0]["event"], found[0]["status"]) == ("request", 200)
    assert found[0]["user_id"] == alice.id
    consumers = [name for name in processes.table if name.endswith("-consumer")]
    assert lines(processes, "relay", *consumers)
