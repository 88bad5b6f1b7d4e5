from django.db import migrations


class Migration(migrations.Migration):
    operations = [
        migrations.RunSQL(
            "CREATE TABLE slow_app AS SELECT 1 AS one, pg_sleep(1)::text AS slept",
            "DROP TABLE slow_app",
        )
    ]
