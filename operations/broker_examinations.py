"""The doctor's checks of RabbitMQ: every queue must exist, have the right arguments, be bound and
have a consumer."""

import time
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

import amqp.exceptions
from celery import current_app
from django.conf import settings
from kombu import Connection

from events import depths, links, pausing
from events.ailments import Ailment
from events.errors import PassingError, wrap_passing_errors
from events.registry import Subscriber, subscribers
from events.topology import DEAD_QUEUE, event_queue
from operations import management_api

POLLS, POLL_SECONDS = 3, 0.7
# Policy keys that would break the guarantees of the queues.
FORBIDDEN_POLICIES = frozenset(
    {"max-length", "max-length-bytes", "message-ttl", "expires", "overflow", "delivery-limit"}
)


def broker(now: datetime) -> Iterator[Ailment]:
    """Check that every queue exists and has a consumer."""
    starts = {each.queue: f"manage.py consume {each.name}" for each in subscribers.values()}
    starts |= {DEAD_QUEUE.name: "manage.py consume dead_letters"}
    starts |= {name: f"celery -A celery_app worker -Q {name}" for name in current_app.amqp.queues}
    try:
        with wrap_passing_errors(), links.connect(settings.BROKER_URL) as open_connection:
            open_connection.connect()
            alone = []
            for name, start in starts.items():
                try:
                    consumers = _consumers(open_connection, name)
                except amqp.exceptions.NotFound:
                    yield Ailment(f"there is no queue {name}", start)
                else:
                    alone += [] if consumers else [name]
            held = _held(open_connection, alone)
            for name in alone:
                if name not in held:
                    yield Ailment(f"nobody consumes {name}", starts[name])
                elif reason := held[name]:
                    yield reason
    except PassingError as error:
        yield Ailment(f"RabbitMQ is unreachable: {error}", "start it; see BROKER_URL")


def _consumers(broker: Connection, queue: str) -> int:
    with links.open_channel(broker) as channel:
        _, consumers = links.counts(channel, queue)
        return consumers


def _held(broker: Connection, queues: Collection[str]) -> dict[str, Ailment | None]:
    """Return the queues whose consumers are on hold, with what to do about it; None for a queue
    whose consumer has resumed meanwhile."""
    here = [each for each in subscribers.values() if each.queue in queues]
    found: dict[str, Ailment | None] = dict(_paused(here))
    # A consumer checks its lanes once a second, so it may not yet have noticed that there is room
    # again.
    for _ in range(POLLS):
        waiting = [each for each in here if each.queue not in found and each.lane_limits]
        if not waiting:
            break
        time.sleep(POLL_SECONDS)
        for each in waiting:
            if full := _full_lane(broker, each):
                found[each.queue] = full
            elif _consumers(broker, each.queue):
                found[each.queue] = None
    return found


def _paused(here: Iterable[Subscriber]) -> Iterator[tuple[str, Ailment]]:
    try:
        with wrap_passing_errors():
            paused = pausing.paused()
    except PassingError:
        return  # Another examination reports that the database is down.
    for each in here:
        if each.name in paused:
            until = paused[each.name]
            lasting = f"until {until:%Y-%m-%d %H:%M:%S} UTC" if until else "until it is resumed"
            mend = f"manage.py resume {each.name}"
            yield each.queue, Ailment(f"{each.name} is paused {lasting}", mend)


def _full_lane(broker: Connection, subscriber: Subscriber) -> Ailment | None:
    for lane, count in depths.ready_by(broker, subscriber.lane_limits).items():
        if count >= (limit := subscriber.lane_limits[lane]):
            return Ailment(
                f"{subscriber.name} takes no events while {lane} holds {count:,} tasks"
                f" (at most {limit:,})",
                f"wait, or start another celery -A celery_app worker -Q {lane}",
            )
    return None


def topology(now: datetime) -> Iterator[Ailment]:
    """Check arguments, bindings and policies, if the URL of the management API is set."""
    if not settings.BROKER_MANAGEMENT_URL:
        return
    try:
        queues, bindings, policies = (
            management_api.ask(settings.BROKER_MANAGEMENT_URL, settings.BROKER_URL, what)
            for what in ("queues", "bindings", "policies")
        )
    except OSError as error:
        yield Ailment(f"the management API does not answer: {error}", "see BROKER_MANAGEMENT_URL")
        return
    yield from _stuck_letters(queues)
    yield from _arguments(queues)
    yield from _bindings(bindings)
    yield from _policies(policies)


def _stuck_letters(queues: list[dict[str, Any]]) -> Iterator[Ailment]:
    """Report dead letters that the broker has not moved. Moving them usually takes milliseconds.
    Later failures of every queue wait behind them, and appear nowhere else."""
    for queue in queues:
        if count := queue.get("messages_dlx"):
            yield Ailment(
                f"the broker has not moved {count:,} dead letters from {queue['name']} to"
                f" {DEAD_QUEUE.name}",
                "restart manage.py consume dead_letters, which declares that queue; if they stay,"
                " restart the broker: its process that moves them has ended",
            )


def _arguments(queues: list[dict[str, Any]]) -> Iterator[Ailment]:
    found = {queue["name"]: queue["arguments"] for queue in queues}
    events = [event_queue(each.queue) for each in subscribers.values()]
    for queue in (DEAD_QUEUE, *events, *current_app.amqp.queues.values()):
        if found.get(queue.name, queue.queue_arguments) != queue.queue_arguments:
            mend = "drain it, delete it, and start its consumer, which declares it anew"
            yield Ailment(f"{queue.name} has other arguments than it should", mend)


def _bindings(bindings: list[dict[str, Any]]) -> Iterator[Ailment]:
    found = {(binding["source"], binding["destination"]) for binding in bindings}
    for each in subscribers.values():
        for exchange in sorted(each.exchanges):
            if (exchange, each.queue) not in found:
                mend = f"restart manage.py consume {each.name}; what was missed is sent again"
                yield Ailment(f"{each.queue} is not bound to {exchange}", mend)


def _policies(policies: list[dict[str, Any]]) -> Iterator[Ailment]:
    for policy in policies:
        if harmful := FORBIDDEN_POLICIES & policy["definition"].keys():
            mend = f"rabbitmqctl clear_policy -p {policy['vhost']} {policy['name']}"
            yield Ailment(f"policy {policy['name']} sets {', '.join(sorted(harmful))}", mend)
