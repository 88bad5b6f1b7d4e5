"""Which usernames are the same, and which only look the same.

Guarantee: no two new names differ in case or width alone, and none looks like another that is of
another script. Names of one script are never compared by their looks: "modern" does not forbid
"modem".
"""

import unicodedata
from functools import cache

from confusable_homoglyphs import categories, confusables

# Characters of every script, digits among them, and marks that take their letter's.
SHARED = {"COMMON", "INHERITED"}
# What is written together counts as one script: https://www.unicode.org/reports/tr39/#def-SOSS
WRITTEN_TOGETHER = (
    {"HAN", "HIRAGANA", "KATAKANA"},
    {"HAN", "HANGUL"},
    {"HAN", "BOPOMOFO"},
)
# Of a mail address; a username is shorter.
LONGEST = 254
# Longer ones do not fit into an index. So much is alike to anybody.
LONGEST_SKELETON = 500


def key(name: str) -> str:
    """What makes the name unique: the case fold of its NFKC form. At most three times as long as a
    name that is in that form. What no name can be stays as it is: normalising takes time by the
    square of the length."""
    if len(name) > LONGEST:
        return name
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded).casefold()


def script(name: str) -> str:
    """The name's script as Unicode calls it, several of them joined by "+". One of digits alone is
    Latin."""
    return "+".join(sorted(_scripts(name))) or "LATIN"


def is_of_one_script(name: str) -> bool:
    found = _scripts(name)
    return len(found) < 2 or any(found <= together for together in WRITTEN_TOGETHER)


def skeletons(name: str) -> list[str]:
    """How the name looks, as it is written and in lower case, in the order of locking.
    https://www.unicode.org/reports/tr39/#def-skeleton"""
    found = {_skeleton(name).casefold(), _skeleton(key(name))}
    return sorted(each[:LONGEST_SKELETON] for each in found)


def _scripts(name: str) -> set[str]:
    return categories.unique_aliases(name) - SHARED


def _skeleton(name: str) -> str:
    looks = "".join(map(_prototype, unicodedata.normalize("NFD", name)))
    return unicodedata.normalize("NFD", looks)


@cache
def _prototype(character: str) -> str:
    """What stands for all characters that look like this one. The library's table leads both ways:
    from many characters to one prototype, which may be several characters, and back."""
    alike = _alike(character)
    several = [each for each in alike if len(each) > 1]
    if several:
        return several[0]
    if len(alike) != 1:
        return character  # Nothing looks like it, or it is the prototype of many.
    (other,) = alike
    return other if len(_alike(other)) > 1 else min(character, other)


def _alike(character: str) -> list[str]:
    # The table sets right-to-left letters between marks of direction.
    found = confusables.confusables_data.get(character, ())
    return [each["c"].strip("\u200e") for each in found]
