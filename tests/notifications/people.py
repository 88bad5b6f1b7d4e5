"""Builds users with devices."""

from datetime import datetime

from devtools.push_service import Device
from notifications import subscriptions
from social.models import User

FCM = "https://fcm.googleapis.com"


def with_device(user: User, now: datetime, origin: str = FCM, **changes) -> Device:
    """Register a new device for the user, at the push service `origin`."""
    device = Device.generate()
    given = device.subscription(origin)
    values = {"endpoint": given["endpoint"], **given["keys"], "name": "phone"} | changes
    subscriptions.register(user, **values, now=now)
    return device
