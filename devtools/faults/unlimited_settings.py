"""Connectify's settings without its guard "time limits", for the proofs: Connectify waits for
PostgreSQL without end, and PostgreSQL for Connectify."""

from connectify.settings import *  # noqa: F403
from connectify.settings import DATABASES

LIMITS = (
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
    *("transaction_timeout", "tcp_user_timeout", "client_connection_check_interval"),
)

DATABASES["default"]["OPTIONS"] = {"options": " ".join(f"-c {name}=0" for name in LIMITS)}
