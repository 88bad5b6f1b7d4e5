from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("slow_app", "0001_slow_statement")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE slow_app ADD COLUMN two int", "ALTER TABLE slow_app DROP COLUMN two"
        )
    ]
