import time

from devtools.bench.background import missing
from devtools.push_service import Device, Receipt, post_topic


def receipt(post_id: int, device: Device, status: int = 201) -> Receipt:
    told = {"ttl": "60", "urgency": "normal", "topic": post_topic(post_id), "body": b""}
    return Receipt("webpush", device.token, time.time(), time.monotonic(), status, **told)


def test_a_push_that_never_came_is_missing():
    phone, laptop = Device.generate(), Device.generate()
    arrived = [receipt(1, phone), receipt(1, laptop), receipt(2, phone)]
    assert missing(arrived, [1, 2], [phone, laptop]) == 1


def test_neither_a_refused_push_nor_a_second_one_stands_for_one_that_came():
    phone, laptop = Device.generate(), Device.generate()
    arrived = [receipt(1, phone), receipt(1, phone), receipt(1, laptop, status=500)]
    assert missing(arrived, [1], [phone, laptop]) == 1


def test_pushes_of_other_posts_are_not_looked_for():
    phone = Device.generate()
    assert missing([receipt(3, phone)], [], [phone]) == 0
