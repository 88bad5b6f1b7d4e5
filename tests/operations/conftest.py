import json
from contextlib import closing

import pytest
from django.utils import timezone

from events.models import DeadLetter
from notifications.delivery.breaker_board import Board


@pytest.fixture
def rejecting(settings):
    """The origin of a push service that rejects pushes for most of our users."""
    origin = "https://rejecting.example"
    with closing(Board(settings.REDIS_URL)) as board:
        board.note_rejects(origin)
        yield origin
        board.erase(origin)


@pytest.fixture
def dead_letter(db):
    """Create an open dead letter of a slice task about a post."""

    def make(post_id: int, queue: str, number: int = 0) -> DeadLetter:
        arguments = {"slices": [[post_id, 0, 2**63 - 1]]}
        return DeadLetter.objects.create(
            queue=queue,
            message_id=f"letter-{post_id}-{number}",
            task="timelines.write_slices",
            subjects=[f"post_id:{post_id}", str(post_id)],
            headers={"task": "timelines.write_slices", "id": f"letter-{post_id}-{number}"},
            properties={"content_type": "application/json", "content_encoding": "utf-8"},
            body=json.dumps([[], arguments, {}]).encode(),
            exception_type="ValueError",
            exception_message="no such thing",
            first_failed_at=timezone.now(),
            last_failed_at=timezone.now(),
        )

    return make
