"""What the doctor asks of RabbitMQ: is every queue there, as it should be, bound and consumed?"""

from collections.abc import Iterator
from datetime import datetime

import amqp.exceptions
from celery import current_app
from django.conf import settings

from events import links
from events.errors import PASSING
from events.registry import subscribers
from events.topology import DEAD_QUEUE, event_queue
from operations import management_api
from operations.ailments import Ailment

# A policy must not change what the queues' guarantees rest on.
FORBIDDEN_POLICIES = frozenset(
    {"max-length", "max-length-bytes", "message-ttl", "expires", "overflow", "delivery-limit"}
)


def broker(now: datetime) -> Iterator[Ailment]:
    """Every queue there, and somebody at it."""
    starts = {each.queue: f"manage.py consume {each.name}" for each in subscribers.values()}
    starts |= {DEAD_QUEUE.name: "manage.py consume dead_letters"}
    starts |= {name: f"celery -A celery_app worker -Q {name}" for name in current_app.amqp.queues}
    try:
        with links.connect(settings.BROKER_URL) as open_connection:
            open_connection.connect()
            for name, start in starts.items():
                try:
                    with open_connection.channel() as channel:
                        found = channel.queue_declare(name, passive=True)
                except amqp.exceptions.NotFound:
                    yield Ailment(f"there is no queue {name}", start)
                else:
                    if not found.consumer_count:
                        yield Ailment(f"nobody consumes {name}", start)
    except PASSING as error:
        yield Ailment(f"RabbitMQ is unreachable: {error}", "start it; see BROKER_URL")


def topology(now: datetime) -> Iterator[Ailment]:
    """Arguments, bindings and policies, where the management API can be asked."""
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
    yield from _arguments(queues)
    yield from _bindings(bindings)
    yield from _policies(policies)


def _arguments(queues: list[dict]) -> Iterator[Ailment]:
    found = {queue["name"]: queue["arguments"] for queue in queues}
    events = [event_queue(each.queue) for each in subscribers.values()]
    for queue in (DEAD_QUEUE, *events, *current_app.amqp.queues.values()):
        if found.get(queue.name, queue.queue_arguments) != queue.queue_arguments:
            mend = "drain it, delete it, and start its consumer, which declares it anew"
            yield Ailment(f"{queue.name} has other arguments than it should", mend)


def _bindings(bindings: list[dict]) -> Iterator[Ailment]:
    found = {(binding["source"], binding["destination"]) for binding in bindings}
    for each in subscribers.values():
        for exchange in sorted(each.exchanges):
            if (exchange, each.queue) not in found:
                mend = f"restart manage.py consume {each.name}; what was missed is sent again"
                yield Ailment(f"{each.queue} is not bound to {exchange}", mend)


def _policies(policies: list[dict]) -> Iterator[Ailment]:
    for policy in policies:
        if harmful := FORBIDDEN_POLICIES & policy["definition"].keys():
            mend = f"rabbitmqctl clear_policy -p {policy['vhost']} {policy['name']}"
            yield Ailment(f"policy {policy['name']} sets {', '.join(sorted(harmful))}", mend)
