"""Erase a post's text by a trigger when `deleted_at` is set, whatever runs the statement: the API,
the admin, the erasure of an account, or a process of the previous version."""

from django.db import migrations

ERASE = """
    CREATE FUNCTION social_erase_words() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.content := '';
        RETURN NEW;
    END $$;
    CREATE TRIGGER social_post_words BEFORE UPDATE ON social_post FOR EACH ROW
        WHEN (NEW.deleted_at IS NOT NULL AND NEW.content <> '')
        EXECUTE FUNCTION social_erase_words();
"""
KEEP = """
    DROP TRIGGER social_post_words ON social_post;
    DROP FUNCTION social_erase_words;
"""


class Migration(migrations.Migration):
    dependencies = [("social", "0009_protected_authors")]

    operations = [migrations.RunSQL(ERASE, KEEP)]
