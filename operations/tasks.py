"""Periodic maintenance tasks. Each task takes its own lock, so that two beats do no harm."""

import math
from collections.abc import Callable

from django.conf import settings
from django.utils import timezone

from events.periodic_task import periodic_task
from events.turns import each_in_turn
from notifications import subscriptions
from operations import canary, maintenance, partitioned
from social import (
    activity,
    addresses,
    database_clock,
    erased_letters,
    erasure,
    forgotten_passwords,
    idempotency,
    tokens,
)


@periodic_task(maintenance.CREATE_PARTITIONS)
def create_partitions() -> None:
    partitioned.create_ahead()


@periodic_task(maintenance.DROP_PARTITIONS)
def drop_partitions() -> None:
    partitioned.drop_expired(now=database_clock.now())


@periodic_task(maintenance.RELEASE_CANARY)
def release_canary() -> None:
    if settings.CANARY:
        canary.release(now=timezone.now())


@periodic_task(maintenance.PRUNE)
def prune() -> None:
    now = timezone.now()
    jobs: tuple[Callable[[], object], ...] = (
        lambda: idempotency.prune(now=now),
        lambda: tokens.prune(now=now),
        lambda: subscriptions.prune(now=now),
        partitioned.prune_ledgers,
        lambda: erased_letters.erase(now=now),
    )
    failures = each_in_turn(jobs, lambda job: job(), what="pruning", seconds=math.inf)
    if failures:
        raise failures[0]


@periodic_task(maintenance.ERASE_ACCOUNTS)
def erase_accounts() -> None:
    activity.settle()
    erasure.erase_all(now=timezone.now())


@periodic_task(maintenance.SEND_MAILS)
def send_mails() -> None:
    now = timezone.now()
    forgotten_passwords.send_due(now=now)
    addresses.send_due(now=now)
