from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # An index is made concurrently, or posting would wait for it.
    dependencies = [("events", "0005_settled_letters")]

    operations = [
        AddIndexConcurrently(
            "deadletter",
            models.Index(
                models.F("replayed_at"),
                condition=models.Q(("healed_at", None), ("state", "replayed")),
                name="events_letter_unsettled",
            ),
        ),
        AddIndexConcurrently(
            "outboxevent",
            models.Index(
                models.F("id"),
                condition=models.Q(("attempts__gt", 0), ("published_at", None)),
                name="events_outbox_unroutable",
            ),
        ),
    ]
