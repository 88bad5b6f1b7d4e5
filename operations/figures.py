"""Figures that subscribers offer about themselves."""

from collections.abc import Mapping

from events.registry import resolve, subscribers


def figures() -> dict[str, Mapping[str, float]]:
    """The figures of each subscriber that offers some, by name."""
    return {each.name: resolve(each.figures)() for each in subscribers.values() if each.figures}
