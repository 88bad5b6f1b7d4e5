"""Records requests that Connectify answers, with the SQL that it runs.

`python -m devtools.bench.recorded FILE`, on an empty database. Makes users who follow authors and
have the authors' posts in their timelines. Writes what bare.py needs to FILE, and prints as JSON
each user's token and the requests to send.
"""

import json
import pickle
import sys
from pathlib import Path

import django

django.setup()

# Models can be imported only after django.setup().
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from devtools.bench.inside import posts as write_posts  # noqa: E402
from fanout.slices import END, Slice  # noqa: E402
from social.models import Follow, Token, User  # noqa: E402
from timelines import fanout, watermark  # noqa: E402

PEOPLE = 32
AUTHORS = 60
POSTS = 5  # by each author
CONTENT = "A post of a benchmark, about as long as people write them, and not a word longer."
TIMELINE = "/api/v1/timeline/"
POST = "/api/v1/posts/"


class Statements(list):
    """Collects the statements, with their parameters filled in, when used as
    connection.execute_wrapper()."""

    def __call__(self, execute, sql, params, many, context):
        with connection.connection.cursor() as cursor:
            self.append(cursor.mogrify(sql, params))
        return execute(sql, params, many, context)


def record(token: str, scope: str, method: str, path: str, body: dict | None) -> dict:
    """Make the request twice, because a first request does more, and record the second: the SQL
    that finds the token, the statements after it, and the answer."""
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}", HTTP_HOST="127.0.0.1")
    data = json.dumps(body) if body else ""
    for _ in range(2):
        statements = Statements()
        with connection.execute_wrapper(statements):
            response = client.generic(method, path, data, content_type="application/json")
        if response.status_code >= 300:
            raise RuntimeError(response.content)
    return {
        "scope": scope,
        "token_check": statements[0],
        "statements": statements[1:],
        "writes": method != "GET",
        "status": response.status_code,
        "body": response.content,
    }


def people() -> tuple[list[User], list[User]]:
    now = timezone.now()
    users = [User(username=f"user-{number}", password="!") for number in range(PEOPLE + AUTHORS)]
    users = User.objects.bulk_create(users)
    readers, authors = users[:PEOPLE], users[PEOPLE:]
    Follow.objects.bulk_create(
        Follow(follower=reader, followee=author, created_at=now)
        for reader in readers
        for author in authors[1:]
    )
    written = write_posts([author.pk for author in authors for _ in range(POSTS)])
    for post_id in written:
        fanout.write([Slice(post_id, 0, END)], now=now)
    # Beat does this every few seconds. A page then has no incomplete posts to remember.
    watermark.raise_(now=timezone.now())
    return readers, authors


def main() -> None:
    readers, authors = people()
    follow = f"/api/v1/users/{authors[0].pk}/follow/"
    requests = {
        "timeline": [("read", "GET", TIMELINE, None)],
        "post": [("post", "POST", POST, {"content": CONTENT})],
        "follow": [("follow", "PUT", follow, None), ("follow", "DELETE", follow, None)],
    }
    recorded = {}
    for reader in readers:
        _, token = Token.objects.create(reader)
        recorded[token] = {
            (request[1], request[2]): record(token, *request)
            for group in requests.values()
            for request in group
        }
    Path(sys.argv[1]).write_bytes(pickle.dumps(recorded))
    made = {name: [list(request[1:]) for request in group] for name, group in requests.items()}
    json.dump({"tokens": list(recorded), "requests": made}, sys.stdout)


if __name__ == "__main__":
    main()
