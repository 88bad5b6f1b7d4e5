"""Listing, creating and dropping the partitions of timelines, notifications and deliveries."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from fanout import partitions, retention
from operations import partitioned
from social import database_clock


class Command(BaseCommand):
    help = (
        "Lists the partitions: posts, rows (estimated), bytes with indexes, age. --create-ahead"
        " creates those of the next posts. --drop-expired shows which have expired, and drops them"
        " with --yes. Rows are hidden when they expire, and dropped by the next run after that."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--create-ahead", action="store_true")
        parser.add_argument("--drop-expired", action="store_true")
        parser.add_argument(
            "--yes", action="store_true", help="really drop, instead of only showing what"
        )

    def handle(self, create_ahead: bool, drop_expired: bool, yes: bool, **options: Any) -> None:
        now = database_clock.now()
        if create_ahead:
            partitioned.create_ahead()
        if drop_expired and yes:
            for name in partitioned.drop_expired(now=now):
                self.stdout.write(f"dropped {name}")
        for one in partitioned.tables():
            self._list(one, now, dry_run=drop_expired and not yes)

    def _list(self, one: partitioned.Partitioned, now: datetime, *, dry_run: bool) -> None:
        horizon = partitions.horizon(one.table)
        expiring = retention.expiring(one.table, one.keep, now=now)
        listed = retention.survey(one.table)
        size = sum(partition.bytes for partition in listed)
        self.stdout.write(
            f"{one.table}: {len(listed)} partitions, {size:,} bytes, kept {one.keep.days} days"
        )
        for partition in listed:
            state = "kept"
            if partition.end <= horizon:
                state = "would be dropped" if dry_run else "dropped by the next run"
            elif partition.end <= expiring:
                state = "would expire" if dry_run else "expires with the next run"
            age = f"{(now - partition.newest).days} days" if partition.newest else "no posts"
            rows = f"{partition.rows:,}" if partition.rows >= 0 else "not counted"
            self.stdout.write(
                f"  posts {partition.first}-{partition.end - 1}: {rows} rows,"
                f" {partition.bytes:,} bytes, {age}, {state}"
            )
