"""Periodic maintenance. Each task holds a lock of its own, so that two beats do no harm."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from events.lane_task import LaneTask
from events.locks import held
from operations import canary, partitioned
from social import erasure, forgotten_passwords, idempotency

LOW = "operations.low"


@shared_task(base=LaneTask, name="operations.create_partitions", lane=LOW)
def create_partitions() -> None:
    with held("operations.create_partitions") as taken:
        if taken:
            partitioned.create_ahead()


@shared_task(base=LaneTask, name="operations.drop_partitions", lane=LOW)
def drop_partitions() -> None:
    with held("operations.drop_partitions") as taken:
        if taken:
            partitioned.drop_expired(now=timezone.now())


@shared_task(base=LaneTask, name="operations.release_canary", lane=LOW)
def release_canary() -> None:
    with held("operations.release_canary") as taken:
        if taken and settings.CANARY:
            canary.release(now=timezone.now())


@shared_task(base=LaneTask, name="operations.prune", lane=LOW)
def prune() -> None:
    with held("operations.prune") as taken:
        if taken:
            idempotency.prune(now=timezone.now())


@shared_task(base=LaneTask, name="operations.erase_accounts", lane=LOW)
def erase_accounts() -> None:
    with held("operations.erase_accounts") as taken:
        if taken:
            erasure.erase_all(now=timezone.now())


@shared_task(base=LaneTask, name="operations.send_reset_mails", lane=LOW)
def send_reset_mails() -> None:
    with held("operations.send_reset_mails") as taken:
        if taken:
            forgotten_passwords.send_due(now=timezone.now())
