"""Dead letters on the command line, with the same actions as in the admin."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count, QuerySet

from events import healing
from events.management import bounds
from events.models import DeadLetter
from events.subjects import CONCEALED, concealed, shown

Letters = QuerySet[DeadLetter]
Options = dict[str, Any]

FILTERS = {
    "queue": "queue",
    "task": "task",
    "type": "event_type",
    "exception": "exception_type",
    "id": "message_id",
    "since": "last_failed_at__gte",
    "before": "last_failed_at__lt",
}


class Command(BaseCommand):
    help = "Lists, groups, replays or discards dead letters."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("verb", choices=["list", "groups", "show", "replay", "discard"])
        for option, lookup in FILTERS.items():
            kind = bounds.moment if lookup.startswith("last_failed_at") else str
            parser.add_argument(f"--{option}", dest=lookup, metavar=option.upper(), type=kind)
        parser.add_argument(
            "--state",
            dest="state__exact",
            choices=[DeadLetter.State.OPEN.value, DeadLetter.State.REPLAYED.value],
            default=DeadLetter.State.OPEN.value,
            help="open (the default), or replayed: letters whose replay neither succeeded nor"
            " failed within ten minutes",
        )
        parser.add_argument(
            "--about", metavar="ID", help="letters about this post or user: an id, or post_id:5"
        )
        parser.add_argument(
            "--rate",
            type=bounds.number(healing.SLOWEST, healing.FASTEST),
            default=healing.RATE,
            help=f"letters to replay per second (default {healing.RATE})",
        )
        parser.add_argument(
            "--limit",
            type=bounds.whole(1, 10_000),
            default=50,
            help="most letters that list and show print (default 50)",
        )
        parser.add_argument(
            "--yes", action="store_true", help="do it; without this, only print how many match"
        )

    def handle(self, verb: str, **options: Any) -> None:
        wanted = (*FILTERS.values(), "state__exact")
        lookups = {lookup: options[lookup] for lookup in wanted if options[lookup]}
        if options["about"]:
            lookups["subjects__contains"] = [options["about"]]
        letters = healing.select(lookups)
        getattr(self, f"_{verb}")(letters, options)

    def _list(self, letters: Letters, options: Options) -> None:
        for letter in letters.order_by("-last_failed_at")[: options["limit"]]:
            message = shown(letter.subjects, letter.exception_message)
            self.stdout.write(f"{letter.last_failed_at:%Y-%m-%d %H:%M:%S}  {letter}  {message}")
        self.stdout.write(f"{letters.count():,} {options['state__exact']} letters match.")

    def _groups(self, letters: Letters, options: Options) -> None:
        keys = ("queue", "task", "event_type", "exception_type")
        for group in letters.values(*keys).annotate(count=Count("id")).order_by("-count"):
            what = group["task"] or group["event_type"] or "?"
            self.stdout.write(
                f"{group['count']:>9,}  {group['queue']}  {what}  {group['exception_type']}"
            )

    def _show(self, letters: Letters, options: Options) -> None:
        for letter in letters[: options["limit"]]:
            described = {
                field.name: getattr(letter, field.name)
                for field in DeadLetter._meta.fields
                if field.name != "body"
            }
            described["body"] = bytes(letter.body).decode("utf-8", "replace")
            if concealed(letter.subjects):
                described |= dict.fromkeys(("body", "exception_message", "traceback"), CONCEALED)
            self.stdout.write(json.dumps(described, indent=2, default=str, ensure_ascii=False))

    def _replay(self, letters: Letters, options: Options) -> None:
        if self._confirmed(healing.replayable(letters), options, "replayed"):
            count = healing.replay(letters, rate=options["rate"])
            self.stdout.write(f"{count:,} letters will be sent, {options['rate']:g} a second.")

    def _discard(self, letters: Letters, options: Options) -> None:
        if self._confirmed(letters, options, "discarded"):
            self.stdout.write(f"{healing.discard(letters):,} letters discarded.")

    def _confirmed(self, letters: Letters, options: Options, what: str) -> bool:
        if not options["yes"]:
            self.stdout.write(f"{letters.count():,} letters would be {what}. Add --yes to do it.")
        return bool(options["yes"])
