from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_slices")]

    operations = [
        migrations.AddField("rollup", "pushed", models.BigIntegerField(default=0, db_default=0)),
    ]
