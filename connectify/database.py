"""Options of our connections to PostgreSQL: time limits, and a name for each process.

Limits that apply to every session, including an operator's, are set on the database by `migrate`:
see events/limits.py.
"""

from collections.abc import Sequence
from pathlib import Path

# PostgreSQL's limit for an application name, in bytes.
LENGTH = 63


def options(argv: Sequence[str]) -> dict[str, str | int]:
    """Return libpq's parameters for the process with this command line."""
    return {
        # Only migrations need longer, and set their own limits.
        "options": "-c statement_timeout=20s -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=20s",
        # A server that vanishes is noticed after 10 s if it does not acknowledge our data, and
        # after 11 s if we only wait for its data.
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        # Shown in pg_stat_activity and by doctor.
        "application_name": process_name(argv),
    }


def process_name(argv: Sequence[str]) -> str:
    """Return the program and its arguments, cut to LENGTH: "manage.py relay_outbox",
    "celery -A celery_app worker -Q timelines.high"."""
    program = Path(argv[0])
    # For `python -m celery`, argv[0] is the path of celery/__main__.py.
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *argv[1:]]).encode("ascii", "replace").decode()[:LENGTH]
