"""An author, and followers of whom each has a device that wants to be told."""

import json
import time
from dataclasses import dataclass
from urllib.request import Request, urlopen

from devtools.bench.house import House
from devtools.push_service import Device, registration

LIMIT = 30  # seconds for one answer
USERS = """
    INSERT INTO social_user
        (username, name_key, password, first_name, last_name, email,
         is_superuser, is_staff, is_active, date_joined)
    SELECT name, name, '!', '', '', '', false, false, true, now()
    FROM (SELECT %s || gen_random_uuid() AS name FROM generate_series(1, %s)) AS named
    RETURNING id
"""
FOLLOW = """
    INSERT INTO social_follow (follower_id, followee_id, created_at)
    SELECT follower, author, now()
    FROM unnest(%s::bigint[]) AS follower, unnest(%s::bigint[]) AS author
"""


def make_users(connection, name: str, count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(USERS, [f"{name}-", count])
        return [row[0] for row in cursor]


def make_follows(connection, followers: list[int], authors: list[int]) -> None:
    """Each of the followers follows each of the authors."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW, [followers, authors])
        cursor.execute("VACUUM ANALYZE social_follow")


@dataclass(frozen=True)
class Audience:
    """`token` is the author's; the API is at `origin`."""

    origin: str
    token: str
    devices: list[Device]

    @classmethod
    def make(cls, house: House, connection, push_origin: str, size: int) -> "Audience":
        (author,) = make_users(connection, "author", 1)
        (token,) = house.ask("devtools.bench.inside", "tokens", given=[author])
        users = make_users(connection, "follower", size)
        make_follows(connection, users, [author])
        devices = [Device.generate() for _ in users]
        given = [(user, device, push_origin) for user, device in zip(users, devices, strict=True)]
        registration.register(connection, given)
        connection.cursor().execute("VACUUM ANALYZE")
        return cls(house.origin, token, devices)

    def post(self) -> tuple[int, float]:
        """The id of a new post, and the time.monotonic() at which the API answered 201."""
        text = f"A post as long as people write them. {time.monotonic()}"
        body = json.dumps({"content": text}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = Request(f"{self.origin}/api/v1/posts/", body, headers)
        with urlopen(request, timeout=LIMIT) as response:
            return json.load(response)["id"], time.monotonic()
