"""What our connections to PostgreSQL ask for: limits of time, and a name for each process.

What holds for every session, an operator's too, `migrate` sets on the database: see
events/limits.py.
"""

from collections.abc import Sequence
from pathlib import Path

# PostgreSQL's limit for a name, in bytes.
LENGTH = 63


def options(argv: Sequence[str]) -> dict[str, str | int]:
    """Parameters of libpq for the process of this command line."""
    return {
        # No statement of ours needs longer, save migrations.
        "options": "-c statement_timeout=20s -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=20s",
        # A server that is gone without a word is noticed after 10 s if it owes an acknowledgement,
        # and after 11 s if it is only listened to.
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        # For pg_stat_activity, and doctor.
        "application_name": process_name(argv),
    }


def process_name(argv: Sequence[str]) -> str:
    """Program and arguments of a command line, as far as they fit: "manage.py relay_outbox",
    "celery -A celery_app worker -Q timelines.high"."""
    program = Path(argv[0])
    # `python -m celery` has the path of its __main__.py there.
    name = program.parent.name if program.name == "__main__.py" else program.name
    return " ".join([name, *argv[1:]]).encode("ascii", "replace").decode()[:LENGTH]
