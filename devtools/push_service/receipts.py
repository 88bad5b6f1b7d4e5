"""What arrived, when, and how it was answered: kept in memory, and read later as JSON lines."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

WEB_PUSH, FCM = "webpush", "fcm"


class Receipt(NamedTuple):
    """One request to push a message.

    `wall` and `monotonic` are time.time() and time.monotonic() in seconds, taken when the last byte
    of the body had been read; on Linux all processes of a machine share one monotonic clock.
    `status` is the status of the answer, 0 if it was not HTTP. `body` is the raw body: encrypted in
    Web Push, JSON in FCM, which has no `ttl`, `urgency` and `topic`.
    """

    transport: str
    token: str
    wall: float
    monotonic: float
    status: int
    ttl: str | None
    urgency: str | None
    topic: str | None
    body: bytes

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def to_json(self) -> bytes:
        """The receipt as a line without its end; the body is in base64."""
        return json.dumps([*self[:-1], base64.b64encode(self.body).decode()]).encode()

    @classmethod
    def from_json(cls, line: bytes | str) -> "Receipt":
        *fields, body = json.loads(line)
        return cls(*fields, base64.b64decode(body))


class ReceiptBook(Sequence[Receipt]):
    """All receipts in order of arrival.

    Recording only appends to a list, because the receiver shares the machine with the senders whose
    latency it measures. Receipts are encoded only when they are read.
    """

    def __init__(self):
        self.entries: list[Receipt] = []
        self.accepted = 0

    def record(self, receipt: Receipt) -> None:
        self.entries.append(receipt)
        self.accepted += receipt.accepted

    def clear(self) -> None:
        self.entries = []
        self.accepted = 0

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index):
        return self.entries[index]

    def of(self, token: str) -> list[Receipt]:
        """The receipts of one device, in order of arrival."""
        return [receipt for receipt in self.entries if receipt.token == token]

    def devices(self, topic: str) -> int:
        """How many devices have accepted a message of this topic."""
        return len({it.token for it in self.entries if it.topic == topic and it.accepted})

    def json_lines(self, after: int = 0, batch: int = 500) -> Iterator[bytes]:
        """JSON lines of all receipts except the first `after`, `batch` lines at a time."""
        for start in range(after, len(self.entries), batch):
            lines = (receipt.to_json() for receipt in self.entries[start : start + batch])
            yield b"\n".join(lines) + b"\n"


def read_receipts(lines: Iterable[bytes]) -> list[Receipt]:
    """Read receipts from JSON lines: a record file, or the body of GET /receipts."""
    return [Receipt.from_json(line) for line in lines]
