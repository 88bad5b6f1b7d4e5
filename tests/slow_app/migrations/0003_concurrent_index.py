from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("slow_app", "0002_locked_table")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY slow_app_one ON slow_app (one)", "DROP INDEX slow_app_one"
        )
    ]
