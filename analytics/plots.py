"""Plots as SVG. Lines differ by their dashes and the names at their ends, not by colour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle

WIDTH, HEIGHT = 640, 180
# Room for the names at the ends of the lines, and for the labels of both axes.
LEFT, RIGHT, TOP, BOTTOM = 60, 560, 10, 150
NAME_HEIGHT = 14
DASHES = ("none", "6 3", "2 2", "10 3 2 3")


@dataclass(frozen=True)
class Line:
    """A line of a plot. `runs` are its stretches without gaps, each as the points of a polyline."""

    name: str
    dash: str
    runs: list[str]
    name_y: float


@dataclass(frozen=True)
class Plot:
    """The input of plot.html. `ticks` are (y, label), `labels` are (x, label), both in pixels."""

    title: str
    lines: list[Line]
    ticks: list[tuple[float, str]]
    labels: list[tuple[float, str]]
    table: list[tuple[str | float | None, ...]]


def plot(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> Plot:
    """Lay out a plot. `series` maps names to values, one value per label; None leaves a gap."""
    top = max((v for values in series.values() for v in values if v is not None), default=0) or 1
    step = (RIGHT - LEFT) / max(len(labels) - 1, 1)

    def y(value: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)

    ends = _name_heights({name: y(_last(values)) for name, values in series.items()})
    lines = [
        Line(name, dash, _runs(values, step, y), ends[name] + 4)
        for (name, values), dash in zip(series.items(), cycle(DASHES), strict=False)
    ]
    return Plot(
        title=title,
        lines=lines,
        ticks=[(y(top * share), _number(top * share)) for share in (0, 0.5, 1)],
        labels=[
            (round(LEFT + step * place, 1), labels[place])
            for place in sorted({0, len(labels) // 2, len(labels) - 1})
            if labels
        ],
        table=[(label, *values) for label, *values in zip(labels, *series.values(), strict=True)],
    )


def _last(values: Sequence[float | None]) -> float:
    return next((value for value in reversed(values) if value is not None), 0)


def _name_heights(ends: Mapping[str, float]) -> dict[str, float]:
    """The y of each name: that of its line's end, but names that are too close are moved apart.
    Move names down from the top first, then up from the bottom, so that none is below the plot."""
    heights: dict[str, float] = {}
    names = sorted(ends, key=ends.__getitem__)
    reached: float = TOP - NAME_HEIGHT
    for name in names:
        heights[name] = reached = max(ends[name], reached + NAME_HEIGHT)
    limit: float = BOTTOM
    for name in reversed(names):
        heights[name] = min(heights[name], limit)
        limit = heights[name] - NAME_HEIGHT
    return heights


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.3g}"


def _runs(values: Sequence[float | None], step: float, y: Callable[[float], float]) -> list[str]:
    """The points of each stretch without a gap; `y` maps a value to its coordinate."""
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{LEFT + step * place:.1f},{y(value)}")
    # Repeat a single point: a polyline of one point is invisible.
    return [" ".join(run if len(run) > 1 else run * 2) for run in runs if run]
