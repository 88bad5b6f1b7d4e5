"""Owners whose accounts are closed or suspended are dormant until they are reactivated, so that
fan-out writes nothing into their timelines."""

from django.db import migrations

SLEEP = """
    CREATE FUNCTION timelines_follow_activity() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.is_active THEN
            UPDATE timelines_dormant SET returned_at = statement_timestamp()
            WHERE owner_id = NEW.id;
        ELSE
            INSERT INTO timelines_dormant (owner_id) VALUES (NEW.id)
            ON CONFLICT (owner_id) DO UPDATE SET returned_at = NULL;
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER timelines_user_activity AFTER UPDATE ON social_user FOR EACH ROW
        WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION timelines_follow_activity();

    -- social/activity.py marks the follows of accounts that are shut already within a minute.
    INSERT INTO timelines_dormant (owner_id)
    SELECT id FROM social_user person
    WHERE NOT is_active AND EXISTS (SELECT FROM social_follow WHERE follower_id = person.id)
    ON CONFLICT DO NOTHING;
"""
WAKE = """
    DROP TRIGGER timelines_user_activity ON social_user;
    DROP FUNCTION timelines_follow_activity;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("timelines", "0007_waiting_fanouts_index"),
        ("social", "0012_activity"),
    ]

    operations = [migrations.RunSQL(SLEEP, WAKE)]
