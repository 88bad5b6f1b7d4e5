"""What a process is called where an operator meets it: in pg_stat_activity and in doctor."""

from collections.abc import Sequence
from pathlib import Path

# PostgreSQL's limit for a name, in bytes.
LENGTH = 63


def process_name(argv: Sequence[str]) -> str:
    """Program and arguments of a command line, as far as they fit: "manage.py relay_outbox",
    "celery -A celery_app worker -Q timelines.high"."""
    program = Path(argv[0])
    # `python -m celery` has the path of its __main__.py there.
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *argv[1:]]).encode("ascii", "replace").decode()[:LENGTH]
