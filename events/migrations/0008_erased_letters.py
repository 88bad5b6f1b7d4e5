"""Keep the hash of a letter's body after the body is erased. By the hash, the reconciler knows that
the event ended as this letter, and a message that fails again finds its letter."""

from django.db import migrations, models

KEPT = """
    ALTER TABLE events_deadletter ALTER COLUMN body_hash DROP EXPRESSION;
    CREATE FUNCTION events_hash_letter() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.body_hash := sha256(NEW.body);
        RETURN NEW;
    END $$;
    CREATE TRIGGER events_letter_hash BEFORE INSERT ON events_deadletter
        FOR EACH ROW EXECUTE FUNCTION events_hash_letter();
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0007_periodic_runs")]

    operations = [
        migrations.AddField("deadletter", "erased_at", models.DateTimeField(null=True)),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(KEPT)],
            state_operations=[
                migrations.RemoveConstraint("deadletter", "events_letter_once"),
                migrations.RemoveField("deadletter", "body_hash"),
                migrations.AddField(
                    "deadletter",
                    "body_hash",
                    models.BinaryField(max_length=32, editable=False, db_default=b""),
                ),
                migrations.AddConstraint(
                    "deadletter",
                    models.UniqueConstraint(
                        fields=["queue", "message_id", "body_hash"], name="events_letter_once"
                    ),
                ),
            ],
        ),
    ]
