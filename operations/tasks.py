"""Periodic maintenance. Each task holds a lock of its own, so that two beats do no harm."""

from django.conf import settings
from django.utils import timezone

from events.periodic_task import periodic_task
from notifications import subscriptions
from operations import canary, partitioned
from social import (
    activity,
    database_clock,
    erased_letters,
    erasure,
    forgotten_passwords,
    idempotency,
    tokens,
)

LOW = "operations.low"


@periodic_task("operations.create_partitions", lane=LOW)
def create_partitions() -> None:
    partitioned.create_ahead()


@periodic_task("operations.drop_partitions", lane=LOW)
def drop_partitions() -> None:
    partitioned.drop_expired(now=database_clock.now())


@periodic_task("operations.release_canary", lane=LOW)
def release_canary() -> None:
    if settings.CANARY:
        canary.release(now=timezone.now())


@periodic_task("operations.prune", lane=LOW)
def prune() -> None:
    idempotency.prune(now=timezone.now())
    tokens.prune(now=timezone.now())
    subscriptions.prune(now=timezone.now())
    partitioned.prune_ledgers()
    erased_letters.erase(now=timezone.now())


@periodic_task("operations.erase_accounts", lane=LOW)
def erase_accounts() -> None:
    activity.settle()
    erasure.erase_all(now=timezone.now())


@periodic_task("operations.send_reset_mails", lane=LOW)
def send_reset_mails() -> None:
    forgotten_passwords.send_due(now=timezone.now())
