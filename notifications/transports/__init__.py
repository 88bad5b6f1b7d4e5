"""Ways to reach a device: one module each, behind one interface.

Adding one takes a module with a subclass of Transport, and its line in PUSH_TRANSPORTS.
"""

from abc import ABC, abstractmethod
from datetime import datetime

import aiohttp

from notifications.claims import Push
from notifications.messages import Message
from notifications.outcomes import Answer
from notifications.reasons import OwnError


class UnavailableError(OwnError):
    """The way to all devices of a transport is closed for now; the message says why."""


class UnusableError(OwnError, ValueError):
    """The device can never be used as it is; the message says why."""


class Transport(ABC):
    """Made once in each process that sends; asks for no more than its settings then."""

    @abstractmethod
    def origin(self, push: Push) -> str:
        """Whom the push goes to: what limits and breakers are kept for. Raises ValueError where
        the subscription can never be used, EndpointError where it must not be."""

    @abstractmethod
    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        """One attempt. Raises ValueError as above; UnavailableError, aiohttp.ClientError, OSError
        or TimeoutError for what may pass."""

    def close(self) -> None:  # noqa: B027  (most have none)
        """End connections of its own; called on the event loop's thread."""
