"""A benchmark: its options, its measurement, and the requirements that its figures must meet."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from devtools.lab.progress import Progress

Figures = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Requirement:
    """A limit for one figure."""

    bound: float
    at_least: bool

    def met(self, figure: float | None) -> bool:
        if figure is None:
            return False
        return figure >= self.bound if self.at_least else figure <= self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


def at_least(bound: float) -> Requirement:
    return Requirement(bound, True)


def at_most(bound: float) -> Requirement:
    return Requirement(bound, False)


@dataclass(frozen=True)
class Benchmark:
    """`run` measures with the parsed options, reports its progress, and returns the figures."""

    name: str
    summary: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Progress], Figures]
    required: Mapping[str, Requirement] = field(default_factory=dict)

    def short(self, figures: Figures) -> list[str]:
        """One line for each figure that misses its requirement."""
        return [
            f"{name} is {figures.get(name)}, required: {bound}"
            for name, bound in self.required.items()
            if not bound.met(figures.get(name))
        ]
