import contextlib
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import EnvelopeError, decode, encode, new_event_id
from events.registry import decode_event
from social.event_types import PostCreated

BODY = (
    b'{"event_id": "evt_1", "event_type": "post.created", "timestamp": "2026-01-15T10:30:00Z",'
    b' "data": {"post_id": 789, "author_id": 123, "content": "Hello world!",'
    b' "created_at": "2026-01-15T10:30:00Z"}}'
)
MOMENT = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)


def changed(**changes) -> bytes:
    """The body with these keys of the envelope changed, or removed if the value is `...`."""
    envelope = msgspec.json.decode(BODY) | changes
    return msgspec.json.encode({key: v for key, v in envelope.items() if v is not ...})


def changed_data(**changes) -> bytes:
    data = msgspec.json.decode(BODY)["data"] | changes
    return changed(data={key: v for key, v in data.items() if v is not ...})


def test_the_documented_envelope_is_decoded():
    event = decode_event(BODY, "application/json")
    assert event.event_id == "evt_1"
    assert event.timestamp == MOMENT
    assert event.data == PostCreated(
        post_id=789, author_id=123, content="Hello world!", created_at=MOMENT
    )
    assert len(event.body_hash) == 32


def test_what_is_encoded_is_the_documented_envelope():
    data = PostCreated(post_id=789, author_id=123, content="Hello world!", created_at=MOMENT)
    assert msgspec.json.decode(encode("evt_1", "post.created", MOMENT, data)) == (
        msgspec.json.decode(BODY)
    )


def test_unknown_extra_keys_are_ignored():
    assert decode_event(changed(extra=1), None).event_id == "evt_1"
    assert decode_event(changed_data(extra=1), None).data.post_id == 789


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not json", id="not JSON"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"\xff\xfe{\x00}\x00", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + BODY, id="BOM"),
        pytest.param(BODY.replace(b"Hello", b"\xff"), id="invalid UTF-8"),
        pytest.param(BODY.replace(b"Hello", b"\\ud800"), id="lone surrogate"),
        pytest.param(BODY.replace(b"789", b"NaN"), id="NaN"),
        pytest.param(b"[" * 10_000, id="depth 10,000"),
        pytest.param(b"\x80\x04\x95\x05.", id="a pickle"),
        *(
            pytest.param(changed(**{key: ...}), id=f"no {key}")
            for key in ("event_id", "event_type", "timestamp", "data")
        ),
        pytest.param(changed(event_id=5), id="event_id a number"),
        pytest.param(changed(event_id=""), id="event_id empty"),
        pytest.param(changed(event_id="a\x00b"), id="event_id with NUL"),
        pytest.param(changed(event_id="x" * 101), id="event_id too long"),
        pytest.param(changed(event_type="post.exploded"), id="unknown event_type"),
        pytest.param(changed(timestamp="yesterday"), id="timestamp in words"),
        pytest.param(changed(timestamp="2026-01-15T10:30:00"), id="timestamp without zone"),
        *(
            pytest.param(changed_data(**{key: ...}), id=f"data without {key}")
            for key in ("post_id", "author_id", "content", "created_at")
        ),
        pytest.param(changed_data(post_id="789"), id="post_id as string"),
        pytest.param(changed_data(post_id=789.5), id="post_id as float"),
        pytest.param(changed_data(post_id=None), id="post_id null"),
        pytest.param(changed_data(post_id=0), id="post_id 0"),
        pytest.param(BODY.replace(b"789", b"9223372036854775808"), id="post_id 2^63"),
        pytest.param(BODY.replace(b"789", b"1" + b"0" * 400), id="post_id 10^400"),
    ],
)
def test_an_invalid_envelope_is_a_permanent_failure(body):
    with pytest.raises(EnvelopeError):
        decode_event(body, "application/json")


@pytest.mark.parametrize("content_type", [None, "", "application/json", "Application/JSON; x=y"])
def test_a_missing_content_type_means_json(content_type):
    assert decode(BODY, content_type).event_id == "evt_1"


def test_another_content_type_is_refused():
    with pytest.raises(EnvelopeError, match="application/x-python-serialize"):
        decode(BODY, "application/x-python-serialize")


@given(st.binary(max_size=300))
def test_any_bytes_give_an_envelope_or_an_envelope_error(body):
    with contextlib.suppress(EnvelopeError):
        decode_event(body, None)


def test_event_ids_ascend_with_time_and_differ(now):
    ids = [new_event_id(now) for _ in range(100)]
    assert len(set(ids)) == 100
    assert new_event_id(datetime(2027, 1, 1, tzinfo=UTC)) > max(ids)
