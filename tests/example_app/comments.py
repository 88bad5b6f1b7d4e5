from django.db import transaction
from django.utils import timezone

from events import outbox
from tests.example_app.event_types import CommentCreated
from tests.example_app.models import Comment


@transaction.atomic
def comment(post_id: int, text: str) -> Comment:
    row = Comment.objects.create(post_id=post_id, text=text)
    data = CommentCreated(comment_id=row.pk, post_id=post_id, text=text)
    outbox.record("comment.created", data, now=timezone.now())
    return row
