"""The table of authors with a follower who has, or once had, push enabled. Triggers on follows and
preferences maintain it.

If a follow and a preference of the same follower are written at the same time, one of the two
transactions must see the other's row. So both first take the follower's lock, and follows share it.
"""

from django.db import migrations, models

KEEP = """
    CREATE FUNCTION notifications_note_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- One of 64 locks for each follower: a bulk load must not need one for each row.
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('pushed authors', follower))
        FROM (SELECT DISTINCT follower_id % 64 AS follower FROM changed ORDER BY 1) AS lock;
        INSERT INTO notifications_pushedauthor (author_id)
        SELECT DISTINCT followee_id FROM changed
        JOIN notifications_preference ON user_id = follower_id AND push_enabled
        ORDER BY followee_id
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER notifications_follow_begun AFTER INSERT ON social_follow
        REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION notifications_note_follows();

    CREATE FUNCTION notifications_note_preference() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('pushed authors', NEW.user_id % 64));
        INSERT INTO notifications_pushedauthor (author_id)
        SELECT followee_id FROM social_follow WHERE follower_id = NEW.user_id ORDER BY followee_id
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;
    CREATE TRIGGER notifications_push_enabled
        AFTER INSERT OR UPDATE OF push_enabled ON notifications_preference
        FOR EACH ROW WHEN (NEW.push_enabled) EXECUTE FUNCTION notifications_note_preference();
"""
FORGET = """
    DROP TRIGGER notifications_follow_begun ON social_follow;
    DROP TRIGGER notifications_push_enabled ON notifications_preference;
    DROP FUNCTION notifications_note_follows, notifications_note_preference;
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0017_subscription_keys"), ("social", "0008_posting_lock")]

    operations = [
        migrations.CreateModel(
            name="PushedAuthor",
            fields=[("author_id", models.BigIntegerField(primary_key=True, serialize=False))],
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
