from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0004_waiting_events")]

    operations = [
        migrations.AddField("deadletter", "replayed_at", models.DateTimeField(null=True)),
        migrations.AddField("deadletter", "healed_at", models.DateTimeField(null=True)),
        # PostgreSQL rewrites neither table nor index for a wider limit.
        migrations.AlterField("outboxevent", "event_id", models.CharField(max_length=255)),
    ]
