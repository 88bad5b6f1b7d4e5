"""People with devices."""

from datetime import datetime

from notifications import subscriptions
from social.models import User
from stack.push_service import Device


def with_device(user: User, now: datetime, origin: str = "https://fcm.googleapis.com"):
    """A new device of the user's at the push service: its keys, and its row."""
    device = Device.generate()
    given = device.subscription(origin)
    row, _ = subscriptions.register(
        user, endpoint=given["endpoint"], **given["keys"], name="phone", now=now
    )
    return device, row
