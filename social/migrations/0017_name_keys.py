"""Unique keys and skeletons of usernames."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import social.models

# Gives accounts a key that processes of the previous version create. It differs from names.key()
# only for a few letters whose case fold is several letters.
KEY_OF_OLD_CODE = """
    ALTER TABLE social_user ADD COLUMN name_key varchar(500);
    CREATE FUNCTION social_name_key() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.name_key = lower(normalize(NEW.username, NFKC));
        RETURN NEW;
    END $$;
    CREATE TRIGGER social_name_key BEFORE INSERT ON social_user
        FOR EACH ROW WHEN (NEW.name_key IS NULL) EXECUTE FUNCTION social_name_key();
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0013_tried")]

    operations = [
        migrations.AlterModelManagers("user", [("objects", social.models.People())]),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    "user",
                    "name_key",
                    social.models.NameKeyField(
                        default="", editable=False, max_length=500, unique=True
                    ),
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    # The next migrations fill the column and make it unique.
                    KEY_OF_OLD_CODE,
                    "DROP FUNCTION social_name_key CASCADE;"
                    " ALTER TABLE social_user DROP COLUMN name_key",
                ),
            ],
        ),
        migrations.CreateModel(
            name="Lookalike",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("skeleton", models.CharField(max_length=500)),
                ("script", models.CharField(max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["skeleton"], name="social_lookalike_by_skeleton")]
            },
        ),
    ]
