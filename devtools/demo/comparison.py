"""Compares what was found with what the graph demands: nothing missing, nothing doubled."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`duplicates` counts repeated items and unexpected ones.

    `notes` describe the deviations.
    """

    expected: int = 0
    found: int = 0
    missing: int = 0
    duplicates: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.missing and not self.duplicates


def compare_pairs(
    what: str, expected: Mapping[int, Collection[Hashable]], found: Iterable[tuple[int, Hashable]]
) -> Tally:
    """Compare (post, recipient) pairs with the recipients expected for each post."""
    counts = Counter(found)
    demanded = {(post, who) for post, recipients in expected.items() for who in recipients}
    missing = len(demanded - counts.keys())
    surplus = sum(count for pair, count in counts.items() if pair not in demanded)
    repeated = sum(count - 1 for pair, count in counts.items() if pair in demanded)
    return noted(
        Tally(len(demanded), counts.total(), missing, surplus + repeated),
        f"{what}: {missing} missing, {repeated} repeated, {surplus} unexpected",
    )


def compare_sequence(what: str, expected: Sequence[int], found: Sequence[int]) -> Tally:
    """Compare lists of post ids. If they differ only in order, each misplaced id counts as
    missing."""
    missing = len(set(expected) - set(found))
    duplicates = len(found) - len(set(expected) & set(found))
    misplaced = 0
    if not missing and not duplicates:
        misplaced = sum(a != b for a, b in zip(expected, found, strict=True))
    return noted(
        Tally(len(expected), len(found), missing + misplaced, duplicates),
        f"{what}: {missing} missing, {duplicates} repeated or not expected, {misplaced} misplaced",
    )


def compare_count(what: str, least: int, most: int, found: int) -> Tally:
    expected = f"{least}" if least == most else f"{least} to {most}"
    return noted(
        Tally(least, found, max(0, least - found), max(0, found - most)),
        f"{what}: {found} instead of {expected}",
    )


def noted(tally: Tally, note: str) -> Tally:
    if not tally.clean:
        tally.notes.append(note)
    return tally
