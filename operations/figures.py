"""Figures that subscribers offer about themselves."""

from collections.abc import Mapping

from events.registry import resolve, subscribers


def figures() -> dict[str, Mapping[str, float]]:
    """Numbers by their names, by subscriber; none for a subscriber that offers none."""
    return {each.name: resolve(each.figures)() for each in subscribers.values() if each.figures}
