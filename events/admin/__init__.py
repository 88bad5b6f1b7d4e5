"""The bus in the admin. Inbox entries have a composite key, which it refuses."""

from events.admin.letters import DeadLetterAdmin
from events.admin.looking import ReadOnlyAdmin
from events.admin.outbox import OutboxEventAdmin

__all__ = ["DeadLetterAdmin", "OutboxEventAdmin", "ReadOnlyAdmin"]
