"""What people may write, and how much of it is shown where there is little room.

Guarantee: what is stored shows something, and changes nothing that stands around it: no terminal,
no log, and not the direction of another text.
"""

import regex

# Gaps, and characters that show nothing and do nothing. White_Space of
# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt, and of the next: hyphen and joiners of
# words, Hangul fillers, the empty Braille pattern.
WHITE = r"\x09-\x0d " + "\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACES = WHITE + "\xad\u034f\u115f\u1160\u180e\u200b\u2060-\u2064\u2800\u3164\ufeff\uffa0"
# All else that shows nothing by itself: Default_Ignorable_Code_Point of DerivedCoreProperties.txt
# there, anchors of annotations, the place of an absent object, what is no character.
BLANK = SPACES + (
    "\u061c\u17b4\u17b5\u180b-\u180d\u180f\u200c-\u200f\u202a-\u202e\u2065-\u206f"
    "\ufdd0-\ufdef\ufe00-\ufe0f\ufff0-\ufffc\ufffe\uffff"
)
# Beyond the first 65,536: shorthand and musical formats, tags, and four signs that are empty.
BLANK_BEYOND = (
    "\U00013441\U00013442\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
# C0, DEL and C1, but for tab and newline; and what turns the direction of all that follows.
HARMFUL = r"\x00-\x08\x0b-\x1f\x7f-\x9f" + "\u202a-\u202e"
# A line has no tab and no newline either.
HARMFUL_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029" + "\u202a-\u202e"

# Marks that keep the direction of a part to itself, and the one that ends such a part (UAX 9).
OPENING, CLOSING = "\u2066\u2067\u2068", "\u2069"

_visible = regex.compile(f"[^{BLANK}{BLANK_BEYOND}]")
_gap = regex.compile(f"[{SPACES}]+")


def is_blank(text: str) -> bool:
    """Whether nobody would see anything."""
    return not _visible.search(text)


def is_harmful(text: str, *, line: bool = False) -> bool:
    return bool(regex.search(f"[{HARMFUL_IN_LINE if line else HARMFUL}]", text))


def is_balanced(text: str) -> bool:
    """Whether every part with a direction of its own has an end."""
    return balanced(text) == text


def balanced(text: str) -> str:
    """The text without ends of nothing, and with those that are missing."""
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


def excerpt(text: str, length: int) -> str:
    """The first words in one line of at most `length` code points, marks of direction apart. It is
    cut between two grapheme clusters (UAX 29), and then ends in "…"."""
    line = _gap.sub(_narrow, text)
    if first := _visible.search(line):
        line = line[first.start() :]
    line = line.rstrip()
    return balanced(line if len(line) <= length else _cut(line, length - 1) + "…")


def _narrow(gap: regex.Match) -> str:
    """One space of a gap. A single character without width is where a word may be broken."""
    return gap[0] if len(gap[0]) == 1 and not gap[0].isspace() else " "


def _cut(text: str, length: int) -> str:
    end = 0
    for cluster in regex.finditer(r"\X", text):
        if cluster.end() > length:
            break
        end = cluster.end()
    # A base with hundreds of marks is no word of any script.
    return text[: end or length].rstrip()
