"""Registers many devices at once in Connectify's database, without a request to its API for
each."""

from collections.abc import Iterable

from devtools.push_service.device import Device

REGISTER = """
    WITH device AS (
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
             AS device (user_id, endpoint, p256dh, auth)
    ), asked AS (
        INSERT INTO notifications_preference (user_id, push_enabled)
        SELECT DISTINCT user_id, true FROM device
        ON CONFLICT DO NOTHING
    )
    INSERT INTO notifications_pushsubscription
        (user_id, endpoint, p256dh, auth, name, created_at)
    SELECT user_id, endpoint, p256dh, auth, '', now() FROM device RETURNING endpoint, id
"""


def register(connection, devices: Iterable[tuple[int, Device, str]]) -> list[int]:
    """Register devices and turn pushes on for their users. A user may have several devices.

    devices: user id, device and the origin of its push service.
    Returns the subscriptions' ids in this order.
    """
    made = [(user, device.subscription(origin)) for user, device, origin in devices]
    endpoints = [each["endpoint"] for _, each in made]
    keys = [[each["keys"][name] for _, each in made] for name in ("p256dh", "auth")]
    with connection.cursor() as cursor:
        cursor.execute(REGISTER, [[user for user, _ in made], endpoints, *keys])
        ids = dict(cursor.fetchall())
    return [ids[endpoint] for endpoint in endpoints]
