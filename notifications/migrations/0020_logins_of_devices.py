import django.db.models.functions.datetime
from django.db import migrations, models

# Deleting a token, in whatever way, also deletes its devices, even those being registered.
BELONG = """
    ALTER TABLE notifications_pushsubscription ADD CONSTRAINT notifications_device_token
        FOREIGN KEY (token_id) REFERENCES social_token (number) ON DELETE CASCADE NOT VALID;
"""
BELONG_TO_NOBODY = """
    ALTER TABLE notifications_pushsubscription DROP CONSTRAINT notifications_device_token;
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0019_first_pushed_authors"), ("social", "0008_posting_lock")]

    operations = [
        migrations.AddField(
            "pushsubscription",
            "token",
            models.ForeignKey(
                "social.token",
                to_field="number",
                null=True,
                on_delete=models.DO_NOTHING,
                db_constraint=False,
                db_index=False,
                related_name="+",
            ),
        ),
        migrations.AddField(
            "pushsubscription", "session", models.CharField(max_length=32, null=True)
        ),
        # Devices from before this migration count as used now.
        migrations.AddField(
            "pushsubscription",
            "used_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.RunSQL(BELONG, BELONG_TO_NOBODY),
    ]
