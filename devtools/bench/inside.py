"""Parts of a benchmark that need Connectify's own code, run in a separate process.

`python -m devtools.bench.inside COMMAND`.

`posts` reads a list of user ids from standard input, writes a post by each, all at once or as many
a second as its argument says, and prints the posts' ids. Each post has its `post.created` event in
the outbox, as after a request. `claims` reads null, makes some claims as the relay does, rolls each
back, and prints how many milliseconds each took.
"""

import json
import sys
import time

import django

django.setup()

# Models can be imported only after django.setup().
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from events import outbox, relay  # noqa: E402
from events.models import OutboxEvent  # noqa: E402
from fanout import partitions  # noqa: E402
from social.event_types import PostCreated  # noqa: E402
from social.models import Post  # noqa: E402

BATCH = 5_000
CLAIMS = 50
CONTENT = "A post of a benchmark, about as long as people write them, and not a word longer."
TABLES = ("timelines_timelineentry", "notifications_notification", "notifications_delivery")


@transaction.atomic
def write_posts(authors: list[int]) -> list[int]:
    now = timezone.now()
    rows = [Post(author_id=author, content=CONTENT, created_at=now) for author in authors]
    posts = Post.objects.bulk_create(rows)
    outbox.record_all(
        "post.created",
        [
            PostCreated(post_id=post.pk, author_id=post.author_id, content=CONTENT, created_at=now)
            for post in posts
        ],
        now=now,
    )
    return [post.pk for post in posts]


def posts(authors: list[int], a_second: str = "") -> list[int]:
    ids, size = [], int(a_second or BATCH)
    for first in range(0, len(authors), size):
        begun = time.monotonic()
        written = write_posts(authors[first : first + size])
        for table in TABLES:
            partitions.ensure(table, written)
        ids += written
        if a_second:
            time.sleep(max(begun + 1.0 - time.monotonic(), 0.0))
    return ids


def claims(_: None) -> list[float]:
    found = []
    for _ in range(CLAIMS):
        with transaction.atomic():
            begun = time.perf_counter()
            list(OutboxEvent.objects.raw(relay.CLAIM, [relay.BATCH]))
            found.append(1000 * (time.perf_counter() - begun))
            transaction.set_rollback(True)
    return found


COMMANDS = {"posts": posts, "claims": claims}


def main() -> None:
    _, command, *arguments = sys.argv
    json.dump(COMMANDS[command](json.load(sys.stdin), *arguments), sys.stdout)


if __name__ == "__main__":
    main()
