"""Pushes through the real queue and workers, to push services that answer as told."""

import json
import time

import pytest

from devtools.processes import Supervisor
from devtools.push_service import Device, decrypt_all, post_topic, running_push_service
from tests.waiting import until

# How a device's push service answers: the state and the attempts in which its push ends, and
# whether the subscription stays.
ENDINGS = {
    (200,): ("sent", 1, True),
    (201,): ("sent", 1, True),
    (202,): ("sent", 1, True),
    ("slow",): ("sent", 1, True),
    (301,): ("refused", 1, True),
    (400,): ("refused", 1, True),
    (403,): ("refused", 3, True),  # Others of the push service are accepted.
    (404,): ("refused", 1, False),
    (410,): ("refused", 1, False),
    (406,): ("refused", 1, True),
    (413,): ("refused", 1, True),
    (406, "once"): ("sent", 2, True),
    (408, "once"): ("sent", 2, True),
    (429, "once"): ("sent", 2, True),
    (500, "once"): ("sent", 2, True),
    (503, "once"): ("sent", 2, True),
    ("hang", "once"): ("sent", 2, True),
    ("reset", "once"): ("sent", 2, True),
    ("garbage", "once"): ("sent", 2, True),
}
DELIVERIES = """
    SELECT subscription_id, state, attempts, reason FROM notifications_delivery WHERE post_id = %s
"""
UNSETTLED = "SELECT count(*) FROM notifications_delivery WHERE post_id = %s AND due_at IS NOT NULL"


@pytest.fixture
def push_service():
    with running_push_service() as service:
        yield service


@pytest.fixture
def other_service():
    with running_push_service() as service:
        yield service


@pytest.fixture
def alice(world):
    return world.sign_up("alice")


def test_each_answer_of_a_push_service_leads_to_its_ending(world, alice, push_service):
    devices = [Device.generate() for _ in ENDINGS]
    for device, (how, *once) in zip(devices, ENDINGS, strict=True):
        retry_after = 2 if how == 429 or (how, *once) == (406, "once") else None
        first = 1 if once else None
        push_service.answer(device.token, how, retry_after=retry_after, first=first)
    followers = world.crowd(alice, len(devices))
    ids = world.subscribe(followers, devices, push_service.origin)
    post_id = world.post(alice)
    until(lambda: len(world.sql(DELIVERIES, post_id)) == len(devices))
    until(lambda: world.sql(UNSETTLED, post_id) == [(0,)], 60)
    left = world.sql("SELECT id FROM notifications_pushsubscription WHERE id = ANY(%s)", ids)
    found = {
        number: (state, attempts, (number,) in left)
        for number, state, attempts, _ in world.sql(DELIVERIES, post_id)
    }
    assert [found[number] for number in ids] == list(ENDINGS.values())
    rejected = next(d for d, ending in zip(devices, ENDINGS, strict=True) if ending[0] == 429)
    first, second = push_service.receipts.of(rejected.token)
    assert second.monotonic - first.monotonic >= 2
    accepted = [
        device for device, e in zip(devices, ENDINGS.values(), strict=True) if e[0] == "sent"
    ]
    report = decrypt_all(push_service.receipts, accepted)
    assert report.faults == []
    assert {json.loads(text)["post_id"] for _, text in report.opened} == {post_id}


def test_a_worker_killed_between_answer_and_commit_repeats_the_push_once(
    world, processes, alice, push_service, tmp_path
):
    device = Device.generate()
    world.subscribe(world.crowd(alice, 1), [device], push_service.origin)
    name = "notifications-high-worker"
    processes.kill(name)
    # It has the push service's answer, and sleeps before it writes that down.
    doomed = Supervisor(
        {name: processes.table[name]},
        root=processes.root,
        home=tmp_path,
        environ=processes.environ
        | {"FAILPOINTS": "notifications.delivery.pushing.before_settling=sleep:60"},
    )
    try:
        doomed.start()
        doomed.wait_ready()
        post_id = world.post(alice)
        until(lambda: push_service.receipts.of(device.token))
    finally:
        doomed.kill(name)
        processes.start(name)
    until(lambda: world.sql(DELIVERIES, post_id)[0][1] == "sent", 60)
    assert world.sql(DELIVERIES, post_id)[0][2] == 2
    first, second = push_service.receipts.of(device.token)
    assert first.topic == second.topic == post_topic(post_id)
    tags = [json.loads(text)["tag"] for _, text in decrypt_all([first, second], [device]).opened]
    assert tags == [post_topic(post_id)] * 2


def test_a_worker_that_is_stopped_while_answers_are_awaited_repeats_nothing(
    world, processes, alice, push_service
):
    device = Device.generate()
    push_service.answer(device.token, "slow", seconds=2.0)
    world.subscribe(world.crowd(alice, 1), [device], push_service.origin)
    post_id = world.post(alice)
    until(lambda: push_service.receipts.of(device.token))
    time.sleep(0.5)  # Its task has ended; the answer is still to come.
    processes.restart("notifications-high-worker")
    assert world.sql(DELIVERIES, post_id)[0][1:3] == ("sent", 1)
    assert len(push_service.receipts.of(device.token)) == 1


def test_a_host_that_hangs_is_tried_again_only_after_all_other_hosts_were_told(
    world, alice, push_service, other_service
):
    push_service.answer("*", "hang")
    followers = sorted(world.crowd(alice, 400))
    devices = [Device.generate() for _ in followers]
    world.subscribe(followers[0::2], devices[0::2], push_service.origin)
    world.subscribe(followers[1::2], devices[1::2], other_service.origin)
    world.post(alice)
    until(lambda: other_service.receipts.accepted == 200)
    push_service.answer("*", 201)
    until(lambda: push_service.receipts.accepted == 200, 90)
    tried = set()
    retries = [r.monotonic for r in push_service.receipts if r.token in tried or tried.add(r.token)]
    assert max(receipt.monotonic for receipt in other_service.receipts) < min(retries)
    assert len(other_service.receipts) == 200
