"""Follow counts, maintained by triggers on social_follow, so that they are right whatever writes
the rows: the API, a bulk load, or the erasure of an account."""

from django.db import migrations, models

# A connection counts in one of eight slots. Rows are updated in the order of their key, so that two
# connections in the same slot never deadlock.
COUNT = """
    CREATE FUNCTION social_count_follows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO social_followcount AS kept (user_id, slot, followers, following)
        SELECT user_id, pg_backend_pid() % 8, sum(followers), sum(following)
        FROM (
            SELECT followee_id, TG_ARGV[0]::bigint, 0 FROM changed
            UNION ALL
            SELECT follower_id, 0, TG_ARGV[0]::bigint FROM changed
        ) AS change (user_id, followers, following)
        GROUP BY user_id ORDER BY user_id
        ON CONFLICT (user_id, slot) DO UPDATE SET
            followers = kept.followers + excluded.followers,
            following = kept.following + excluded.following;
        RETURN NULL;
    END $$;

    CREATE TRIGGER social_follow_begun AFTER INSERT ON social_follow
        REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION social_count_follows('1');
    CREATE TRIGGER social_follow_ended AFTER DELETE ON social_follow
        REFERENCING OLD TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION social_count_follows('-1');

    -- CREATE TRIGGER has locked the table, so nobody writes to it until this transaction ends.
    INSERT INTO social_followcount (user_id, slot, followers, following)
    SELECT user_id, 0, sum(followers), sum(following)
    FROM (
        SELECT followee_id, 1, 0 FROM social_follow
        UNION ALL
        SELECT follower_id, 0, 1 FROM social_follow
    ) AS follow (user_id, followers, following)
    GROUP BY user_id;
"""
FORGET = """
    DROP TRIGGER social_follow_begun ON social_follow;
    DROP TRIGGER social_follow_ended ON social_follow;
    DROP FUNCTION social_count_follows;
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="FollowCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "user_id",
                        "slot",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("user_id", models.BigIntegerField()),
                ("slot", models.SmallIntegerField()),
                ("followers", models.BigIntegerField()),
                ("following", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(COUNT, FORGET),
    ]
