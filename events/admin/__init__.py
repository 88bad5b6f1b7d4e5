"""The bus in the admin, without inbox entries: the admin does not support composite keys."""

from events.admin.letters import DeadLetterAdmin
from events.admin.log import log_action
from events.admin.outbox import OutboxEventAdmin
from events.admin.pause import PauseAdmin
from events.admin.periodic_run import PeriodicRunAdmin
from events.admin.read_only import IdSearchAdmin, ReadOnlyAdmin
from events.admin.reconciliation import ReconciliationAdmin
from events.admin.waiting import WaitingEventAdmin

__all__ = [
    "DeadLetterAdmin",
    "IdSearchAdmin",
    "OutboxEventAdmin",
    "PauseAdmin",
    "PeriodicRunAdmin",
    "ReadOnlyAdmin",
    "ReconciliationAdmin",
    "WaitingEventAdmin",
    "log_action",
]
