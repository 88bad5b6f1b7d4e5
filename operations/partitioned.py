"""The tables that are partitioned by post id, how long they are kept, and their ledgers."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from events.registry import subscribers
from events.turns import each_in_turn
from fanout import partitions, retention
from fanout import pruning as ledger_pruning
from operations.ledgers import ledgers
from timelines.models import Watermark

# Partitions to create ahead of the newest post. A slice task that finds none creates it itself.
AHEAD = 5


@dataclass(frozen=True)
class Partitioned:
    """A table, and the setting that says how long its rows are kept."""

    table: str
    setting: str

    @property
    def keep(self) -> timedelta:
        keep: timedelta = getattr(settings, self.setting)
        return keep


def tables() -> list[Partitioned]:
    """The partitioned tables of all subscribers."""
    declared = [each.tables.items() for each in subscribers.values()]
    return [Partitioned(*one) for own in declared for one in own]


def create_ahead() -> None:
    """Create the partitions of the next posts, even if a horizon is wrong."""
    _bring_back()
    _at_each(lambda one: partitions.ensure_ahead(one.table, retention.head().newest, AHEAD))


def drop_expired(*, now: datetime) -> list[str]:
    """Drop expired partitions and return their names. `now` is the database's time."""
    _bring_back()
    dropped = []
    _at_each(lambda one: dropped.extend(retention.expire(one.table, one.keep, now=now)))
    return dropped


def prune_ledgers() -> None:
    """Delete the ledgers of posts whose rows have expired."""
    for own in ledgers().values():
        ledger_pruning.prune(own.fan_outs, own.records, own.entries)


def _at_each(act: Callable[[Partitioned], object]) -> None:
    """Call `act` for each table. An error at one table does not stop the others; the first error is
    raised at the end."""
    failures = each_in_turn(tables(), act, what="keeping a table", seconds=math.inf)
    if failures:
        raise failures[0]


def _bring_back() -> None:
    """Correct horizons that lie beyond the next post, and a watermark that followed such a horizon:
    otherwise new posts would count as complete before they are written."""
    for one in tables():
        retention.bring_back(one.table)
    newest, coming = retention.head()
    beyond = Watermark.objects.filter(post_id__gte=max(newest + 1, coming))
    beyond.update(post_id=newest)
