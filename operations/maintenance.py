"""The maintenance that concerns several apps: its lane and its periodic tasks."""

from events.lanes import Lane, PeriodicTask, register_lanes

LOW = "operations.low"
# Mails hold links, which are signed.
MAIL = ("EMAIL_URL", "DEFAULT_FROM_EMAIL", "EMAIL_CONFIRM_URL", "PASSWORD_RESET_URL", "SECRET_KEY")

CREATE_PARTITIONS = PeriodicTask("operations.create_partitions", 60.0, LOW)
DROP_PARTITIONS = PeriodicTask("operations.drop_partitions", 3600.0, LOW)
RELEASE_CANARY = PeriodicTask("operations.release_canary", 60.0, LOW)
PRUNE = PeriodicTask("operations.prune", 600.0, LOW)
ERASE_ACCOUNTS = PeriodicTask("operations.erase_accounts", 30.0, LOW)
SEND_MAILS = PeriodicTask("operations.send_mails", 5.0, LOW)

register_lanes(
    # Two processes, because one may be erasing a large account while the watermark is due every few
    # seconds.
    [Lane(LOW, worker="maintenance", concurrency=2, variables=MAIL)],
    [CREATE_PARTITIONS, DROP_PARTITIONS, RELEASE_CANARY, PRUNE, ERASE_ACCOUNTS, SEND_MAILS],
)
