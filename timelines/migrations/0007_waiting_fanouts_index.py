from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # The index is created concurrently, so that planning does not wait for it.
    dependencies = [("timelines", "0006_waiting_fanouts")]

    operations = [
        AddIndexConcurrently(
            "fanout",
            models.Index(
                models.F("post_id"),
                condition=models.Q(("waiting", True)),
                name="timelines_fanout_waiting",
            ),
        ),
    ]
