from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("events", "0006_unsettled_and_unroutable")]

    operations = [
        migrations.CreateModel(
            name="PeriodicRun",
            fields=[
                (
                    "task",
                    models.CharField(max_length=100, primary_key=True, serialize=False),
                ),
                ("began_at", models.DateTimeField()),
            ],
        ),
    ]
