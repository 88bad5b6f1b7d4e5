"""The devices of those who have push: registered over the API, and what they received."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devtools.demo.api import Api, at_once
from devtools.demo.population import Population
from devtools.demo.scenario import Scenario
from devtools.lab.progress import Progress
from devtools.push_service import Device, Receipt, decrypt_all, post_topic, read_receipts
from devtools.push_service.jose import decode_base64url, encode_base64url

# Post id, device token, time.monotonic() of the receipt.
Push = tuple[int, str, float]

IN_FLIGHT = 16
READ_LIMIT = 2**20


def application_server_key(private_key: str) -> str:
    """The public half of a VAPID key, as the push service is told whom to let in."""
    scalar = int.from_bytes(decode_base64url(private_key))
    public_key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    point = public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return encode_base64url(point)


async def register(
    api: Api, scenario: Scenario, population: Population, push_origin: str, progress: Progress
) -> dict[int, Device]:
    """A new device for each owner in the scenario, by owner."""
    devices = {owner: Device.generate() for owner in sorted(scenario.device_owners)}
    done = 0

    async def one(owner: int) -> None:
        nonlocal done
        subscription = devices[owner].subscription(push_origin)
        await api.register_device(population.tokens[owner], subscription)
        done += 1
        progress.count(f"registering devices: {done:,} of {len(devices):,}")

    await at_once(IN_FLIGHT, (partial(one, owner) for owner in devices))
    return devices


class PushRecord:
    """What the push service at `origin` has received."""

    def __init__(self, origin: str) -> None:
        self.origin = origin

    async def count(self) -> int:
        """How many pushes it has accepted."""
        return (await self._ask("/receipts/count"))["accepted"]

    async def devices(self, post_id: int) -> int:
        """How many devices it has accepted the post for."""
        return (await self._ask(f"/topics/{post_topic(post_id)}"))["devices"]

    async def receipts(self) -> list[Receipt]:
        async with (
            aiohttp.ClientSession(read_bufsize=READ_LIMIT) as session,
            session.get(f"{self.origin}/receipts") as response,
        ):
            return read_receipts([line async for line in response.content])

    async def _ask(self, path: str) -> dict:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.origin}{path}") as response,
        ):
            return await response.json()


def shown_once(pushes: Iterable[Push]) -> list[Push]:
    """What devices show of pushes of which some came again: the same post bears the same tag, and
    so takes the place of the first."""
    first: dict[tuple[int, str], Push] = {}
    for push in pushes:
        first.setdefault(push[:2], push)
    return list(first.values())


@dataclass
class Inbox:
    """Opened pushes; what is wrong with the others, in words."""

    pushes: list[Push] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def open_pushes(
    receipts: Iterable[Receipt], devices: Iterable[Device], contents: Mapping[int, str]
) -> Inbox:
    """Decrypt the accepted pushes with the devices' keys, and see that each shows the content of
    its post; `contents` by post id."""
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
