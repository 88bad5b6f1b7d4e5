"""What only Connectify itself does, in a process of its own: `python -m bench.inside post`.

Standard input: {"authors": [ids]}, one for each post to write. Standard output: the posts' ids.
Each has its `post.created` event in the outbox, as a request would leave it; nothing is published.
"""

import json
import sys

import django

django.setup()

# Models can be imported only now that the apps are loaded.
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from events import outbox  # noqa: E402
from social import partitions  # noqa: E402
from social.event_types import PostCreated  # noqa: E402
from social.models import Post  # noqa: E402

BATCH = 5_000
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


def main() -> None:
    authors = json.load(sys.stdin)["authors"]
    ids = []
    for first in range(0, len(authors), BATCH):
        ids += write_posts(authors[first : first + BATCH])
    for table in TABLES:
        partitions.ensure(table, ids)
    json.dump(ids, sys.stdout)


if __name__ == "__main__":
    main()
