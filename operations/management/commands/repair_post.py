"""Repairing one post's fan-out by hand."""

from django.core.management.base import BaseCommand, CommandError

import notifications.models
import notifications.tasks
import timelines.models
import timelines.tasks
from social import ledger
from social.models import Post


class Command(BaseCommand):
    help = "Enqueues what is missing of one post's fan-out; harmless when nothing is."

    def add_arguments(self, parser) -> None:
        parser.add_argument("post_id", type=int)

    def handle(self, post_id: int, **options) -> None:
        if not Post.objects.filter(pk=post_id, deleted_at=None).exists():
            raise CommandError(f"There is no post {post_id}, or it is deleted.")
        for app in (timelines, notifications):
            slices = ledger.holes(app.models.SliceRecord, [post_id])[post_id]
            app.tasks.enqueue_slices(slices)
            self.stdout.write(f"{app.__name__}: {len(slices)} missing slices enqueued.")
