"""Printing the lag of every subscriber, as text or as JSON."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from events import unroutable, waiting
from events.outbox import total
from notifications import rejections
from operations import lag, stuck


class Command(BaseCommand):
    help = "Prints how far each subscriber is behind and how long it will take to catch up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        pending = lag.outbox()
        found, whole = lag.lags(pending), total(pending.values())
        stranded, set_aside = unroutable.unroutable(), waiting.all_set_aside()
        stopped = [ailment.what for ailment in stuck.ailments(timezone.now())]
        rejected = rejections.rejections()
        if options["json"]:
            described = {
                "outbox": {"pending": whole.count, "oldest_seconds": whole.oldest_seconds},
                "unroutable": [asdict(each) for each in stranded],
                "set_aside": [asdict(each) for each in set_aside],
                "subscribers": {each.subscriber: asdict(each) for each in found},
                "stuck": stopped,
                "push_services": rejected,
            }
            self.stdout.write(json.dumps(described))
            return
        self.stdout.write(
            f"outbox: {whole.count:,} pending, the oldest for {whole.oldest_seconds:.1f} s"
        )
        for line in map(str, (*stranded, *set_aside)):
            self.stdout.write(line)
        for each in found:
            depth = "broker unreachable" if each.depth is None else f"{each.depth:,} waiting"
            drain = each.seconds_to_drain
            self.stdout.write(
                f"{each.subscriber}: {'in time' if each.within_target else 'LATE'},"
                f" oldest {each.oldest_seconds:.1f} s of {each.target_seconds:.0f} s; {depth};"
                f" {each.rows_outstanding:,} rows outstanding{_unsettled(each.unsettled)}"
                f" at {each.rows_per_second:,.0f} a second:"
                f" {'not moving' if drain is None else f'{drain:.0f} s to drain'}"
            )
        for what in stopped:
            self.stdout.write(f"STUCK: {what}")
        for what in rejected:
            self.stdout.write(f"REJECTED: {what}")


def _unsettled(count: int) -> str:
    return f" ({count:,} pushes not settled)" if count else ""
