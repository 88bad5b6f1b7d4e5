"""People with devices."""

from datetime import datetime

from devtools.push_service import Device
from notifications import subscriptions
from social.models import User

FCM = "https://fcm.googleapis.com"


def with_device(user: User, now: datetime, origin: str = FCM, **changes) -> Device:
    """A new device of the user's, registered with the push service at `origin`."""
    device = Device.generate()
    given = device.subscription(origin)
    values = {"endpoint": given["endpoint"], **given["keys"], "name": "phone"} | changes
    subscriptions.register(user, **values, now=now)
    return device
