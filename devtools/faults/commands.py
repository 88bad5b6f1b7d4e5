"""Command lines of Connectify's processes, changed in one respect."""

from dataclasses import replace

from devtools.processes import Command


def with_app(command: Command, module: str) -> Command:
    """A worker or beat with a Celery app of the harness's (see faults/apps)."""
    return replace(
        command,
        arguments=tuple(module if word == "celery_app" else word for word in command.arguments),
    )


def renamed(command: Command, node: str) -> Command:
    """A worker under another node name, to run beside the first."""
    words = list(command.arguments)
    words[words.index("-n") + 1] = f"{node}@%h"
    return replace(command, arguments=tuple(words))
