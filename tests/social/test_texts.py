"""Blank texts, compared with the Unicode data of the `regex` library, and excerpts."""

import sys

import pytest
import regex

from social import texts

FAMILY = "👩\u200d👩\u200d👧"
FLAG = "🇦🇹"
THUMB = "👍🏽"
# A Devanagari syllable of letters and marks; e with a combining accent.
SYLLABLE, ACCENT = "क्षि", "e\u0301"


@pytest.mark.parametrize("name", ["Default_Ignorable_Code_Point", "White_Space", "Cc", "Zl", "Zp"])
def test_every_character_that_unicode_calls_invisible_is_blank(name):
    found = regex.compile(rf"\p{{{name}}}")
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code < 0xE000 and found.match(chr(code)):
            assert texts.is_blank(chr(code)) or texts.is_harmful(chr(code)), hex(code)


@pytest.mark.parametrize(
    "text", ["a", "한", "⠁", "😀", "\u0600", FLAG, "\u3164a", "é", "\u20e3", "-"]
)
def test_a_text_with_a_visible_character_is_not_blank(text):
    assert not texts.is_blank(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Hello world!", "Hello world!", id="short"),
        pytest.param("\n" * 400 + "Hello", "Hello", id="400 newlines"),
        pytest.param("\n\u200b" * 400 + "Hello", "Hello", id="newlines and zero widths"),
        pytest.param("\u3164\u2800" * 400 + "Hello", "Hello", id="fillers"),
        pytest.param("\u200e" * 400 + "Hello", "Hello", id="400 marks"),
        pytest.param("\u2066\u2069" * 400 + "Hello", "Hello", id="400 isolates of nothing"),
        pytest.param("Hello" + "\n" * 400 + "world", "Hello world", id="newlines between"),
        pytest.param("Hello\u2800\u3164\u2028\u00a0world ", "Hello world", id="gaps between"),
        pytest.param("hel\u200blo soft\u00adhy", "hel\u200blo soft\u00adhy", id="breaks of words"),
        pytest.param("a" * 20, "a" * 20, id="as long as may be"),
        pytest.param("a" * 21, "a" * 19 + "…", id="too long"),
        pytest.param("a" * 17 + FAMILY + "bc", "a" * 17 + "…", id="a family"),
        pytest.param("a" * 18 + FLAG + "b", "a" * 18 + "…", id="a flag"),
        pytest.param("a" * 18 + THUMB + "b", "a" * 18 + "…", id="a skin"),
        pytest.param("a" * 16 + SYLLABLE + "b", "a" * 16 + "…", id="a syllable"),
        pytest.param("a" * 18 + ACCENT + "b", "a" * 18 + "…", id="an accent"),
        pytest.param("a" * 17 + "\u2764\ufe0f" + "bc", "a" * 17 + "\u2764\ufe0f…", id="a heart"),
        pytest.param("a" + "\u0301" * 400, "a" + "\u0301" * 18 + "…", id="one cluster alone"),
        pytest.param(
            "\u2067" + "ש" * 30 + "\u2069", "\u05e9" * 19 + "…", id="an isolate around all"
        ),
        pytest.param(
            "a \u2067" + "ש" * 30 + "\u2069", "a \u2067" + "ש" * 16 + "…\u2069", id="an isolate"
        ),
    ],
)
def test_an_excerpt_shows_the_first_words_and_cuts_no_character(text, shown):
    assert texts.excerpt(text, 20) == shown
