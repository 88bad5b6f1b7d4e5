from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0007_read_marks")]

    operations = [
        migrations.AddField(
            "fanout", "waiting", models.BooleanField(default=False, db_default=False)
        ),
    ]
