"""Arbitrary cursors, bodies and texts are either accepted unchanged or refused with an error."""

import contextlib
import io
import json
import re
from datetime import UTC
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, ValidationError

from notifications import listing
from notifications.api import cursors as of_notifications
from social import texts
from social.api import paging, search
from social.api.parsers import StrictJSONParser
from social.api.serializers import PostSerializer
from social.api.texts import Text
from social.models import POST_LENGTH
from timelines.api import cursors

PATTERN = Text().regex.pattern
IDS = st.integers(1, 2**63 - 1)
# Short texts, and texts around the limit of length; they include surrogates and NUL.
TEXTS = st.text(st.characters(exclude_categories=())) | st.builds(
    lambda text, times: text * times, st.text(max_size=3), st.integers(1_660, 5_001)
)


@given(IDS)
def test_a_cursor_decodes_to_its_id(number):
    assert paging.decode(paging.encode(number)) == number


@given(st.lists(IDS, min_size=1, max_size=60, unique=True).map(sorted))
def test_a_cursor_of_a_timeline_decodes_to_its_ids(ids):
    assert cursors.decode("after", cursors.encode(ids)) == ids


PLACES = st.builds(
    listing.Place,
    read=st.booleans(),
    before=st.none() | IDS,
    mark=st.integers(0, 2**63 - 1),
    then=st.datetimes(timezones=st.just(UTC)),
    floor=st.integers(0, 2**63 - 1),
    above=st.lists(IDS).map(tuple),
)


@given(PLACES)
def test_a_cursor_of_notifications_decodes_to_its_place(place):
    assert of_notifications.decode(of_notifications.encode(place)) == place


DECODERS = (
    *(paging.decode, search.decode),
    *(partial(cursors.decode, "after"), of_notifications.decode),
)


@given(st.text(st.characters(exclude_categories=())))
def test_arbitrary_text_is_not_a_cursor(text):
    for decode in DECODERS:
        with contextlib.suppress(ValidationError):
            raise AssertionError(decode(text))


@given(IDS, st.data())
def test_a_cursor_with_one_character_changed_is_refused(number, data):
    cursor = paging.encode(number)
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != cursor[place]))
    with contextlib.suppress(ValidationError):
        # Some bits of the last character of unpadded base64 are ignored, so it may decode.
        changed = cursor[:place] + other + cursor[place + 1 :]
        assert paging.decode(changed) == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def parse(body: bytes):
    return StrictJSONParser().parse(io.BytesIO(body))


@given(JSON)
def test_any_json_is_read_as_it_was_written(value):
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value
    assert parse(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_json_or_a_problem(body):
    with contextlib.suppress(ParseError):
        json.dumps(parse(body), allow_nan=False, ensure_ascii=False).encode()


@given(TEXTS)
def test_a_post_is_stored_unchanged_or_refused(text):
    draft = PostSerializer(data={"content": text})
    fits = len(text) <= POST_LENGTH and not texts.is_blank(text)
    harmless = not texts.is_harmful(text) and texts.is_balanced(text)
    storable = not any("\ud800" <= character <= "\udfff" for character in text)
    assert draft.is_valid() == bool(fits and harmless and storable)
    if draft.is_valid():
        assert re.search(PATTERN, text)
    if draft.is_valid():
        assert draft.validated_data["content"] == text
