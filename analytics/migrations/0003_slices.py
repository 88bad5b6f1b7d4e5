from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_rollups")]

    operations = [
        migrations.AddField("rollup", "slices", models.BigIntegerField(default=0, db_default=0)),
    ]
