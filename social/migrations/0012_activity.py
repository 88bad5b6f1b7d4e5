"""Mark each follow whose follower or followee is not active. Inactive accounts are then not
counted, and nothing is written for them."""

from django.db import migrations, models

# A count leaves out the follows whose other side is not active.
COUNT = """
    CREATE OR REPLACE FUNCTION social_count_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO social_followcount AS kept (user_id, slot, followers, following)
        SELECT user_id, pg_backend_pid() % 8, sum(followers), sum(following)
        FROM (
            SELECT followee_id, TG_ARGV[0]::bigint, 0 FROM changed WHERE NOT follower_out
            UNION ALL
            SELECT follower_id, 0, TG_ARGV[0]::bigint FROM changed WHERE NOT followee_out
        ) AS change (user_id, followers, following)
        GROUP BY user_id ORDER BY user_id
        ON CONFLICT (user_id, slot) DO UPDATE SET
            followers = kept.followers + excluded.followers,
            following = kept.following + excluded.following;
        RETURN NULL;
    END $$;
"""
# Marks all follows of the person, which are few, and the next `size` followers; returns true once
# all followers are marked. Uses the primary key and the index social_follow_fanout. If the account
# became inactive, its follows become dormant; timelines end that after it is reactivated.
MARK = """
    CREATE FUNCTION social_mark_follows(person bigint, size integer) RETURNS boolean
    LANGUAGE plpgsql AS $$
    DECLARE
        gone boolean;
        reached bigint;
        step integer;
    BEGIN
        SELECT NOT is_active INTO gone FROM social_user WHERE id = person FOR NO KEY UPDATE;
        step := CASE WHEN gone THEN -1 ELSE 1 END;
        WITH marked AS (
            UPDATE social_follow SET follower_out = gone, dormant = dormant OR gone
            WHERE follower_id = person AND follower_out <> gone RETURNING followee_id
        )
        INSERT INTO social_followcount AS kept (user_id, slot, followers, following)
        SELECT followee_id, pg_backend_pid() % 8, step, 0 FROM marked ORDER BY followee_id
        ON CONFLICT (user_id, slot) DO UPDATE SET followers = kept.followers + excluded.followers;

        SELECT after INTO reached FROM social_activitychange WHERE user_id = person;
        WITH next AS MATERIALIZED (
            SELECT follower_id FROM social_follow
            WHERE followee_id = person AND follower_id > reached ORDER BY follower_id LIMIT size
        ), marked AS (
            UPDATE social_follow follow SET followee_out = gone FROM next
            WHERE follow.follower_id = next.follower_id AND followee_id = person
                  AND followee_out <> gone
            RETURNING follow.follower_id
        ), counted AS (
            INSERT INTO social_followcount AS kept (user_id, slot, followers, following)
            SELECT follower_id, pg_backend_pid() % 8, 0, step FROM marked ORDER BY follower_id
            ON CONFLICT (user_id, slot) DO UPDATE SET
                following = kept.following + excluded.following
        )
        SELECT CASE WHEN count(*) = size THEN max(follower_id) END INTO reached FROM next;
        IF reached IS NULL THEN
            DELETE FROM social_activitychange WHERE user_id = person;
        ELSE
            UPDATE social_activitychange SET after = reached WHERE user_id = person;
        END IF;
        RETURN reached IS NULL;
    END $$;

    -- Runs in the transaction that changes is_active, whatever statement changes it.
    CREATE FUNCTION social_change_activity() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO social_activitychange (user_id, after) VALUES (NEW.id, 0)
        ON CONFLICT (user_id) DO UPDATE SET after = 0;
        PERFORM social_mark_follows(NEW.id, 5000);
        RETURN NULL;
    END $$;
    CREATE TRIGGER social_user_activity AFTER UPDATE ON social_user FOR EACH ROW
        WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION social_change_activity();

    -- Accounts that are inactive already.
    INSERT INTO social_activitychange (user_id, after)
    SELECT id, 0 FROM social_user WHERE NOT is_active;
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0011_former_words")]

    operations = [
        migrations.CreateModel(
            "ActivityChange",
            [
                ("user_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("after", models.BigIntegerField(default=0)),
            ],
        ),
        *(
            migrations.AddField(
                "follow", name, models.BooleanField(default=False, db_default=False)
            )
            for name in ("follower_out", "followee_out")
        ),
        migrations.RunSQL(COUNT),
        migrations.RunSQL(MARK),
    ]
