"""RabbitMQs without content, as Debian's package lays them out."""

import os
from pathlib import Path


def install(root: Path, version: str = "3.10.8") -> Path:
    """RabbitMQ's own directory below root, with the link by which it is found on a machine."""
    home = root / f"usr/lib/rabbitmq/lib/rabbitmq_server-{version}"
    program = home / "sbin/rabbitmq-server"
    program.parent.mkdir(parents=True)
    program.touch()
    link = root / "usr/lib/rabbitmq/bin/rabbitmq-server"
    link.parent.mkdir()
    link.symlink_to(os.path.relpath(program, link.parent))
    return home


def fake_programs(directory: Path, **scripts: str) -> dict[str, str]:
    """A PATH on which these programs are found first; an underscore stands for a dash."""
    directory.mkdir()
    for name, script in scripts.items():
        path = directory / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}
