"""Transports: the ways to reach a device. Each is a module with a subclass of Transport.

To add one, write such a module and name the class in PUSH_TRANSPORTS.
"""

from abc import ABC, abstractmethod
from datetime import datetime

import aiohttp

from notifications.delivery.claims import Push
from notifications.delivery.messages import Message
from notifications.delivery.outcomes import Answer
from notifications.reasons import OwnError


class UnavailableError(OwnError):
    """No device of this transport can be reached at the moment; the message says why."""


class UnusableError(OwnError, ValueError):
    """The device cannot be used as it is registered; the message says why."""


class Transport(ABC):
    """Created once in each sending process. The constructor must only read settings."""

    @abstractmethod
    def origin(self, push: Push) -> str:
        """The push service to which the push goes; each origin has its own limits and circuit
        breaker. Raises ValueError if the subscription can never be used, EndpointError if it must
        not be used."""

    @abstractmethod
    async def send(
        self, http: aiohttp.ClientSession, push: Push, message: Message, *, now: datetime
    ) -> Answer:
        """Make one attempt. Raises ValueError as above, and UnavailableError, aiohttp.ClientError,
        OSError or TimeoutError for temporary failures."""

    def close(self) -> None:  # noqa: B027  (most have none)
        """Close the transport's own connections. Called on the event loop's thread."""
