from django.db import migrations, models

NAME = "notifications_subscription_address"


class Migration(migrations.Migration):
    """A device is a transport and an address there: two transports may have the same token."""

    # The index is made without a lock, then taken for the constraint's.
    atomic = False
    dependencies = [("notifications", "0012_wishes")]

    operations = [
        # An earlier attempt that was interrupted leaves one that is not valid.
        migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}", ""),
        migrations.RunSQL(
            f"CREATE UNIQUE INDEX CONCURRENTLY {NAME}"
            " ON notifications_pushsubscription (endpoint, transport)",
            "",
        ),
        migrations.AlterField("pushsubscription", "endpoint", models.CharField(max_length=1000)),
        # Last, for an index that is a constraint's cannot be dropped when all of this is tried again.
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
