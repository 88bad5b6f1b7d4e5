"""The devices of users who receive pushes: their registration over the API, and their pushes."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from devtools.demo.plan import Plan
from devtools.lab.api import Api, at_once
from devtools.lab.population import Population
from devtools.lab.progress import Progress
from devtools.push_service import Device, Receipt, decrypt_all

# Post id, device token, time.monotonic() of the receipt.
Push = tuple[int, str, float]

IN_FLIGHT = 16


async def register(
    api: Api, plan: Plan, population: Population, push_origin: str, progress: Progress
) -> dict[int, Device]:
    """Register a new device for each device owner of the plan; return the devices by owner."""
    devices = {owner: Device.generate() for owner in sorted(plan.device_owners)}
    done = 0

    async def one(owner: int) -> None:
        nonlocal done
        subscription = devices[owner].subscription(push_origin)
        await api.register_device(population.tokens[owner], subscription)
        done += 1
        progress.count(f"registering devices: {done:,} of {len(devices):,}")

    await at_once(IN_FLIGHT, (partial(one, owner) for owner in devices))
    return devices


def shown_once(pushes: Iterable[Push]) -> list[Push]:
    """The pushes that devices show when some came twice: both have the same tag, so the second
    replaces the first."""
    first: dict[tuple[int, str], Push] = {}
    for push in pushes:
        first.setdefault(push[:2], push)
    return list(first.values())


@dataclass
class Inbox:
    """Decrypted pushes, and a description of each problem with another one."""

    pushes: list[Push] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def open_pushes(
    receipts: Iterable[Receipt], devices: Iterable[Device], contents: Mapping[int, str]
) -> Inbox:
    """Decrypt the accepted pushes with the devices' keys, and check that each shows its post's
    content. `contents` are by post id."""
    receipts = list(receipts)
    report = decrypt_all(receipts, devices)
    inbox = Inbox()
    inbox.problems += [
        f"a push was answered {receipt.status}" for receipt in receipts if not receipt.accepted
    ]
    inbox.problems += [f"a push does not open: {why}" for _, why in report.faults]
    for receipt, plaintext in report.opened:
        shown = json.loads(plaintext)
        if receipt.topic != shown["tag"]:
            inbox.problems.append(f"a push of topic {receipt.topic} has the tag {shown['tag']}")
        elif contents.get(shown["post_id"]) == shown["body"]:
            inbox.pushes.append((shown["post_id"], receipt.token, receipt.monotonic))
        else:
            inbox.problems.append(f"a push shows another content than post {shown['post_id']}")
    return inbox
