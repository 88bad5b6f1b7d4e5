"""Devices of a run's users at the harness's own push services, and the pushes that they
received."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from devtools.faults.people import People
from devtools.lab.database import query
from devtools.push_service import (
    Device,
    PushService,
    Receipt,
    post_topic,
    registration,
    running_push_service,
)

# Every fourth user has a device. Half of the devices are at the push service that works.
EVERY = 4
FINE = "fine"
LEFT = "SELECT count(*) FROM notifications_pushsubscription WHERE endpoint LIKE %(origin)s || '%%'"


@dataclass(frozen=True)
class Phones:
    """`services` by name; `devices` by their user's id, each with the name of its service."""

    services: dict[str, PushService]
    devices: dict[int, tuple[str, Device]]

    @property
    def tokens(self) -> set[str]:
        return {device.token for _, device in self.devices.values()}

    def register(self, connection) -> None:
        registration.register(
            connection,
            [
                (user, device, self.services[name].origin)
                for user, (name, device) in self.devices.items()
            ],
        )

    def left(self, connection, name: str) -> int:
        """How many devices of a service are still registered."""
        return query(connection, LEFT, {"origin": self.services[name].origin})[0][0]

    def expected(self, name: str, audiences: dict[int, set[int]]) -> set[tuple[str, str]]:
        """The (topic, token) pairs that a service must have received; `audiences` are the users by
        post."""
        return {
            (post_topic(post), self.devices[user][1].token)
            for post, users in audiences.items()
            for user in users & self.devices.keys()
            if self.devices[user][0] == name
        }

    def accepted(self, name: str) -> Counter[tuple[str, str]]:
        return Counter((r.topic, r.token) for r in self.receipts(name) if r.accepted)

    def receipts(self, name: str) -> list[Receipt]:
        return list(self.services[name].receipts)


@contextmanager
def phones(people: People, misbehaving: list[str]) -> Iterator[Phones]:
    """Devices at one working push service and at the named ones, which can be told to fail."""
    cycle = [name for other in misbehaving for name in (FINE, other)] or [FINE]
    users = list(people.ids.values())[::EVERY]
    devices = {
        user: (cycle[place % len(cycle)], Device.generate()) for place, user in enumerate(users)
    }
    with ExitStack() as running:
        services = {
            name: running.enter_context(running_push_service()) for name in (FINE, *misbehaving)
        }
        yield Phones(services, devices)
