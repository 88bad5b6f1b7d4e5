"""A transaction that inserts posts holds an advisory lock, from before it draws its first id until
it ends. The watermark of the timelines waits for the holders (see social/posting.py)."""

from django.db import migrations

# A BEFORE STATEMENT trigger fires before PostgreSQL computes the first row, and so before
# nextval(), for INSERT, COPY and MERGE. With ENABLE ALWAYS it also fires for a replica's apply
# worker.
LOCK = """
    CREATE FUNCTION social_say_posting() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(TG_RELID::integer, 0);
        RETURN NULL;
    END $$;
    CREATE TRIGGER social_post_posting BEFORE INSERT ON social_post
        FOR EACH STATEMENT EXECUTE FUNCTION social_say_posting();
    ALTER TABLE social_post ENABLE ALWAYS TRIGGER social_post_posting;
"""
FORGET = """
    DROP TRIGGER social_post_posting ON social_post;
    DROP FUNCTION social_say_posting;
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0007_tokens_by_user_and_expiry")]

    operations = [migrations.RunSQL(LOCK, FORGET)]
