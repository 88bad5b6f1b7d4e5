"""Printing the command lines of the processes that consume queues, or writing them into docker/."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events.processes import consumers, workers

DOCKER = Path(__file__).resolve().parents[3] / "docker"
# This command replaces the lines between two such marks.
WRITTEN = re.compile(
    r"(?P<begin> *# Written by `manage\.py processes --write`[^\n]*\n)"
    r".*?(?P<end> *# End of it\.\n)",
    re.DOTALL,
)


class Command(BaseCommand):
    help = "Prints the processes that must run for the queues, with their commands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="bring compose.yaml and prometheus.yml up to date"
        )

    def handle(self, *, write: bool, **options: Any) -> None:
        """Raises CommandError if there is no docker/, as in the image."""
        if not write:
            for name, command in commands().items():
                self.stdout.write(f"{name:<28} {' '.join(command)}")
            return
        for name, text in written().items():
            (DOCKER / name).write_text(text)
            self.stdout.write(f"docker/{name} is up to date.")


def commands() -> dict[str, list[str]]:
    """The command lines by process name."""
    consume = {each.name: ["manage.py", "consume", each.subscriber] for each in consumers()}
    work = {each.name: ["worker", *each.arguments] for each in workers()}
    return {
        **{name: ["python", *command] for name, command in consume.items()},
        **{name: ["celery", "-A", "celery_app", *command] for name, command in work.items()},
    }


def written() -> dict[str, str]:
    """The contents of the files in docker/, by file name."""
    targets = [f"          - {name}" for name in commands()]
    return {
        "compose.yaml": _replaced("compose.yaml", _services()),
        "prometheus.yml": _replaced("prometheus.yml", targets),
    }


def _services() -> Iterable[str]:
    for name, command in commands().items():
        words = ", ".join(f'"{word}"' for word in command)
        files = f"[env/settings.env, env/{name}.env]"
        yield f"  {name}:\n    <<: *connectify\n    env_file: {files}\n    command: [{words}]"


def _replaced(name: str, lines: Iterable[str]) -> str:
    try:
        text = (DOCKER / name).read_text()
    except FileNotFoundError as error:
        raise CommandError(f"{error.filename} is not here: run this in a clone.") from error
    between = "".join(f"{line}\n" for line in lines)
    return WRITTEN.sub(lambda found: found["begin"] + between + found["end"], text)
