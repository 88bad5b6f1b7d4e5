"""Erase the text of posts that were deleted earlier, in batches, and the text in the answers that
are kept for repeated requests."""

from django.db import connection, migrations

# Ids per statement. It locks the few deleted posts among them for some tens of milliseconds.
RANGE = 50_000
NEWEST = "SELECT coalesce(max(id), 0) FROM social_post"
ERASE = """
    UPDATE social_post SET content = ''
    WHERE id > %s AND id <= %s AND deleted_at IS NOT NULL AND content <> ''
"""
# There are only the answers of one day.
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
