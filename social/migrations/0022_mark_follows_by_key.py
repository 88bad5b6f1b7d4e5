"""Mark the next followers by their keys, whatever the planner believes.

As a join, the planner compared each follow of the account with each of the 5,000 next followers
where it believed that few follows must be changed: after a reactivation, or if the table had grown
since it was analysed.
"""

from django.db import migrations

MARK = """
    CREATE OR REPLACE FUNCTION social_mark_follows(person bigint, size integer) RETURNS boolean
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
            UPDATE social_follow SET followee_out = gone
            WHERE followee_id = person AND followee_out <> gone
                  AND follower_id = ANY(ARRAY(SELECT follower_id FROM next))
            RETURNING follower_id
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
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0021_horizon_moves")]

    operations = [migrations.RunSQL(MARK, migrations.RunSQL.noop)]
