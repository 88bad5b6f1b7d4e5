"""The words of posts that were deleted before, in batches, and those in answers that are kept for
requests that are repeated."""

from django.db import connection, migrations

# A range of ids holds the row locks of the few deleted posts in it for some tens of milliseconds.
RANGE = 50_000
NEWEST = "SELECT coalesce(max(id), 0) FROM social_post"
ERASE = """
    UPDATE social_post SET content = ''
    WHERE id > %s AND id <= %s AND deleted_at IS NOT NULL AND content <> ''
"""
# At most those of one day.
ANSWERS = "UPDATE social_idempotencykey SET answer = answer - 'content'"


def erase(apps, schema_editor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NEWEST)
        (newest,) = cursor.fetchone()
        for first in range(0, newest, RANGE):
            cursor.execute(ERASE, [first, first + RANGE])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("social", "0010_words_of_deleted_posts")]

    operations = [
        migrations.RunPython(erase, migrations.RunPython.noop, elidable=True),
        migrations.RunSQL(ANSWERS, migrations.RunSQL.noop, elidable=True),
    ]
