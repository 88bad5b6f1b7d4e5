from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Collate


class Migration(migrations.Migration):
    atomic = False  # The index is created concurrently, so that nobody waits for it to register.
    dependencies = [("social", "0022_mark_follows_by_key")]

    operations = [
        AddIndexConcurrently(
            "user",
            models.Index(
                Collate("name_key", "C"),
                condition=models.Q(is_active=True),
                name="social_user_by_key",
            ),
        ),
    ]
