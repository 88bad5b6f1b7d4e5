"""Comparing usernames: their unique keys, scripts and skeletons.

Guarantee: no two new names differ in case or width alone, and no new name looks like an existing
name of another script. Names of the same script are not compared by their looks: "modern" does not
forbid "modem".
"""

import unicodedata
from functools import cache

from confusable_homoglyphs import categories, confusables

# Characters that all scripts share, such as digits, and marks that take the script of their letter.
SHARED = {"COMMON", "INHERITED"}
# Scripts that are written together count as one: https://www.unicode.org/reports/tr39/#def-SOSS
WRITTEN_TOGETHER = (
    {"HAN", "HIRAGANA", "KATAKANA"},
    {"HAN", "HANGUL"},
    {"HAN", "BOPOMOFO"},
)
# The longest mail address, in characters; usernames are shorter.
LONGEST = 254
# Longer skeletons do not fit into an index. Names that agree this far look alike to a person.
LONGEST_SKELETON = 500


def key(name: str) -> str:
    """The name's unique key: the case fold of its NFKC form, at most three times as long as that
    form. A text longer than LONGEST is returned as it is, because normalising takes quadratic
    time and no account can have that name."""
    if len(name) > LONGEST:
        return name
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()


def script(name: str) -> str:
    """The name's script, as Unicode calls it; several scripts are joined by "+". A name of digits
    alone is LATIN."""
    return "+".join(sorted(_scripts(name))) or "LATIN"


def is_of_one_script(name: str) -> bool:
    found = _scripts(name)
    return len(found) < 2 or any(found <= together for together in WRITTEN_TOGETHER)


def skeletons(name: str) -> list[str]:
    """The skeletons of the name as it is written and of its key, without duplicates, sorted in the
    order of locking. Names with the same skeleton look alike.
    https://www.unicode.org/reports/tr39/#def-skeleton"""
    found = {_skeleton(name).casefold(), _skeleton(key(name))}
    return sorted(each[:LONGEST_SKELETON] for each in found)


def _scripts(name: str) -> set[str]:
    found: set[str] = categories.unique_aliases(name)
    return found - SHARED


def _skeleton(name: str) -> str:
    replaced = "".join(map(_prototype, unicodedata.normalize("NFD", name)))
    return unicodedata.normalize("NFD", replaced)


@cache
def _prototype(character: str) -> str:
    """The prototype of all characters that look like this one; it may be several characters. The
    library's table maps both ways: from many characters to their prototype, and back."""
    alike = _alike(character)
    several = [each for each in alike if len(each) > 1]
    if several:
        return several[0]
    if len(alike) != 1:
        return character  # Nothing looks like it, or it is itself the prototype of several.
    (other,) = alike
    return other if len(_alike(other)) > 1 else min(character, other)


def _alike(character: str) -> list[str]:
    # The table puts a left-to-right mark around right-to-left letters; remove it.
    found = confusables.confusables_data.get(character, ())
    return [each["c"].strip("\u200e") for each in found]
