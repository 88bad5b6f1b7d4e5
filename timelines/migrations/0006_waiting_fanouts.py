from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("timelines", "0005_read_floors")]

    operations = [
        migrations.AddField(
            "fanout", "waiting", models.BooleanField(default=False, db_default=False)
        ),
    ]
