"""Rules for texts that people write, and excerpts of them for places with little room.

Guarantee: a stored text is visible, and does not affect its surroundings: it cannot control a
terminal, break a log line or change the direction of the text around it.
"""

from typing import NamedTuple

import regex

# Spaces. WHITE is the property White_Space of
# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt. SPACES adds invisible characters
# without effect on others: soft hyphen, word joiners, Hangul fillers, the empty Braille pattern.
WHITE = r"\x09-\x0d " + "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACES = WHITE + "\xad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u2800\u3164\ufeff\uffa0"
# Everything else that is invisible by itself: Default_Ignorable_Code_Point of
# DerivedCoreProperties.txt at the same place, interlinear annotation anchors, the object
# replacement character, and code points that are not characters.
BLANK = SPACES + (
    "\u061c\u17b4\u17b5\u180b-\u180d\u180f\u200c-\u200f\u202a-\u202e\u2065-\u206f"
    "\ufdd0-\ufdef\ufe00-\ufe0f\ufff0-\ufffc\ufffe\uffff"
)
# The same above U+FFFF: shorthand and musical format controls, tags, and four empty characters.
BLANK_BEYOND = (
    "\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# Control characters (C0, DEL, C1) except tab and newline, and characters that change the direction
# of all text after them.
HARMFUL = r"\x00-\x08\x0b-\x1f\x7f-\x9f" + "\u202a-\u202e"
# In a single line, tabs and line breaks are harmful as well.
HARMFUL_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029" + "\u202a-\u202e"

# Characters that begin an isolate, a part with its own direction, and the one that ends it (UAX 9).
OPENING, CLOSING = "\u2066\u2067\u2068", "\u2069"


class Length(NamedTuple):
    """The greatest length of a text, in characters as people see them (grapheme clusters, UAX 29).
    `code_points` is more, because a letter may have marks, and an emoji may be several, but it
    bounds what is stored."""

    characters: int
    code_points: int


NAME = Length(50, 250)
BIO = Length(500, 2_500)

_visible = regex.compile(f"[^{BLANK}{BLANK_BEYOND}]")
_gap = regex.compile(f"[{SPACES}]+")


def is_blank(text: str) -> bool:
    """Whether the text has no visible character."""
    return not _visible.search(text)


def is_harmful(text: str, *, line: bool = False) -> bool:
    """Whether the text has a harmful character; `line` means that it must be a single line."""
    return bool(regex.search(f"[{HARMFUL_IN_LINE if line else HARMFUL}]", text))


def is_balanced(text: str) -> bool:
    """Whether every isolate has an end, and every end an isolate."""
    return balanced(text) == text


def balanced(text: str) -> str:
    """The text without surplus ends of isolates, and with the missing ends added."""
    if not regex.search(f"[{OPENING}{CLOSING}]", text):
        return text
    kept, depth = [], 0
    for character in text:
        if character in OPENING:
            depth += 1
        elif character == CLOSING:
            if not depth:
                continue
            depth -= 1
        kept.append(character)
    return "".join(kept) + CLOSING * depth


def is_longer(text: str, length: Length) -> bool:
    # A far longer text is not divided into clusters, which takes time.
    if len(text) > length.code_points:
        return True
    return sum(1 for _ in regex.finditer(r"\X", text)) > length.characters


def excerpt(text: str, length: int) -> str:
    """The beginning of the text as one line of at most `length` code points; added ends of isolates
    do not count. A longer text is cut between two grapheme clusters (UAX 29) and ends in "…"."""
    line = _gap.sub(_narrow, text)
    if first := _visible.search(line):
        line = line[first.start() :]
    line = line.rstrip()
    return balanced(line if len(line) <= length else _cut(line, length - 1) + "…")


def _narrow(gap: regex.Match[str]) -> str:
    """Replace a run of spaces by one space. A single zero-width character stays: it marks where a
    word may be broken."""
    return gap[0] if len(gap[0]) == 1 and not gap[0].isspace() else " "


def _cut(text: str, length: int) -> str:
    """The text's first whole grapheme clusters, at most `length` code points."""
    end = 0
    for cluster in regex.finditer(r"\X", text):
        if cluster.end() > length:
            break
        end = cluster.end()
    # If already the first cluster is too long, cut inside it: a letter with hundreds of marks is
    # not part of any script's words.
    return text[: end or length].rstrip()
