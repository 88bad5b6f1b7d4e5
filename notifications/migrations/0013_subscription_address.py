from django.db import migrations, models

NAME = "notifications_subscription_address"


class Migration(migrations.Migration):
    """Makes (endpoint, transport) unique: two transports may have the same token."""

    # The index is built without a lock, and then becomes the constraint's index.
    atomic = False
    dependencies = [("notifications", "0012_wishes")]

    operations = [
        # An interrupted attempt leaves an invalid index.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}", ""),
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY {NAME}"
            " ON notifications_pushsubscription (endpoint, transport)",
            "",
        ),
        migrations.AlterField("pushsubscription", "endpoint", models.CharField(max_length=1000)),
        # This must come last: a retry could not drop an index that already belongs to a constraint.
        migrations.RunSQL(
            f"ALTER TABLE notifications_pushsubscription ADD CONSTRAINT {NAME}"
            f" UNIQUE USING INDEX {NAME}",
            f"ALTER TABLE notifications_pushsubscription DROP CONSTRAINT {NAME}",
            state_operations=[
                migrations.AddConstraint(
                    "pushsubscription",
                    models.UniqueConstraint(fields=["endpoint", "transport"], name=NAME),
                )
            ],
        ),
    ]
