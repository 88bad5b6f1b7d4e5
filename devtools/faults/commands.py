"""Variants of the command lines of Connectify's processes."""

from dataclasses import replace

from devtools.processes import Command


def with_app(command: Command, module: str) -> Command:
    """The command of a worker or beat, with one of the harness's Celery apps (see faults/apps)."""
    return replace(
        command,
        arguments=tuple(module if word == "celery_app" else word for word in command.arguments),
    )


def renamed(command: Command, node: str) -> Command:
    """The command of a worker under another node name, to run it beside the first."""
    words = list(command.arguments)
    words[words.index("-n") + 1] = f"{node}@%h"
    return replace(command, arguments=tuple(words))
