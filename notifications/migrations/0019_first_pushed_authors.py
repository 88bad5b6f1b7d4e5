"""Adds the authors whose followers had push enabled before the triggers existed, in batches of
1,000 users."""

from django.db import migrations

USERS = """
    SELECT user_id FROM notifications_preference WHERE push_enabled AND user_id > %s
    ORDER BY user_id LIMIT 1000
"""
FILL = """
    INSERT INTO notifications_pushedauthor (author_id)
    SELECT DISTINCT followee_id FROM social_follow WHERE follower_id = ANY(%s)
    ORDER BY followee_id
    ON CONFLICT DO NOTHING
"""


def fill(apps, schema_editor) -> None:
    last = -1
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(USERS, [last])
            users = [row[0] for row in cursor]
            if not users:
                return
            cursor.execute(FILL, [users])
            last = users[-1]


class Migration(migrations.Migration):
    # Each batch runs in its own transaction.
    atomic = False

    dependencies = [("notifications", "0018_pushed_authors")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
