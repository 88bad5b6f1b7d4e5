"""Fill in the keys of accounts that registered since the last migration, and require a key."""

from importlib import import_module

from django.db import migrations

filling = import_module("social.migrations.0018_fill_name_keys")


class Migration(migrations.Migration):
    dependencies = [("social", "0018_fill_name_keys")]

    operations = [
        migrations.RunPython(filling.fill, migrations.RunPython.noop),
        migrations.RunSQL(
            "ALTER TABLE social_user ALTER COLUMN name_key SET NOT NULL",
            "ALTER TABLE social_user ALTER COLUMN name_key DROP NOT NULL",
        ),
    ]
