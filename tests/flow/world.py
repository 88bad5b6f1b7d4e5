"""Connectify seen from outside: people who use its API over HTTP, and a look into its tables."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import amqp
import psycopg2
import requests

from devtools.push_service import Device, registration

PASSWORD = "correct horse battery staple"
CROWD = """
    WITH crowd AS (
        INSERT INTO social_user (username, name_key, password, email, first_name, last_name,
                                 is_superuser, is_staff, is_active, date_joined)
        SELECT name, name, '!', '', '', '', false, false, true, now()
        FROM (SELECT %s || number AS name FROM generate_series(1, %s) AS number) AS named
        RETURNING id
    )
    INSERT INTO social_follow (follower_id, followee_id, created_at)
    SELECT id, %s, now() FROM crowd RETURNING follower_id
"""


@dataclass(frozen=True)
class Person:
    id: int
    token: str


class World:
    def __init__(self, origin: str, database_url: str, broker_url: str):
        self._api = f"{origin}/api/v1"
        self._broker_url = broker_url
        self._database_url = database_url
        self._connection = psycopg2.connect(database_url)
        self._connection.autocommit = True
        self._http = requests.Session()

    def go_to(self, origin: str) -> None:
        """Use another web server of the same database from now on."""
        self._api = f"{origin}/api/v1"

    def close(self) -> None:
        self._http.close()
        self._connection.close()

    def sign_up(self, name: str) -> Person:
        """Register and log in a person; names are made unique."""
        # The name is behind, so that a search for it finds nobody else.
        account = {"username": f"{uuid.uuid4().hex[:8]}-{name}", "password": PASSWORD}
        made = self._http.post(f"{self._api}/accounts/register/", json=account)
        login = self._http.post(f"{self._api}/accounts/login/", json=account)
        return Person(made.json()["id"], login.json()["token"])

    def call(self, person: Person, method: str, path: str, body=None) -> requests.Response:
        headers = {"Authorization": f"Bearer {person.token}"}
        return self._http.request(method, f"{self._api}/{path}", json=body, headers=headers)

    def follow(self, follower: Person, followee: Person) -> None:
        assert self.call(follower, "PUT", f"users/{followee.id}/follow/").status_code == 204

    def crowd(self, author: Person, size: int) -> set[int]:
        """Ids of `size` new followers of the author, made by SQL."""
        return {row[0] for row in self.sql(CROWD, uuid.uuid4().hex, size, author.id)}

    def subscribe(self, users: Iterable[int], devices: Iterable[Device], origin: str) -> list[int]:
        """Ids of the subscriptions of a device for each user, made by SQL."""
        given = [(user, device, origin) for user, device in zip(users, devices, strict=True)]
        return registration.register(self._connection, given)

    def post(self, author: Person, content: str = "Hello world!") -> int:
        response = self.call(author, "POST", "posts/", {"content": content})
        assert response.status_code == 201, response.text
        return response.json()["id"]

    def timeline(self, person: Person) -> list[int]:
        answer = self.call(person, "GET", "timeline/").json()
        return [post["id"] for post in answer["results"]]

    def owners(self, post_id: int) -> set[int]:
        """In whose timelines the post stands; the table's key lets each be there once."""
        rows = self.sql("SELECT owner_id FROM timelines_timelineentry WHERE post_id = %s", post_id)
        return {row[0] for row in rows}

    def sql(self, statement: str, *parameters) -> list[tuple]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    def publish(self, body: str, *, exchange: str = "", queue: str = "") -> None:
        """As any AMQP client may: the plain protocol, with no properties at all."""
        url = urlsplit(self._broker_url)
        address = f"{url.hostname}:{url.port}"
        with amqp.Connection(address, userid=url.username, password=url.password) as connection:
            connection.channel().basic_publish(amqp.Message(body), exchange, queue)

    def transaction(self):
        """A connection of its own, to hold locks with."""
        return psycopg2.connect(self._database_url)
