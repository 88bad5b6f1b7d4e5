"""Fill in the keys of existing usernames. Nobody is renamed: if several accounts have the same key,
the oldest one gets it, and the others get the key with a suffix and are listed."""

import sys

from django.db import migrations, transaction

from social import names

BATCH = 2_000
NEXT = """
    SELECT id, username FROM social_user WHERE name_key IS NULL ORDER BY id LIMIT %s FOR UPDATE
"""
TAKEN = "SELECT name_key FROM social_user WHERE name_key = ANY(%s)"
FILL = """
    UPDATE social_user SET name_key = filled.key
    FROM unnest(%s::bigint[], %s::text[]) AS filled (id, key) WHERE social_user.id = filled.id
"""
SKELETONS = """
    INSERT INTO social_lookalike (user_id, skeleton, script)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[])
"""


def fill(apps, schema_editor) -> None:
    while True:
        with transaction.atomic(), schema_editor.connection.cursor() as cursor:
            cursor.execute(NEXT, [BATCH])
            people = cursor.fetchall()
            if not people:
                return
            fill_batch(cursor, people)


def fill_batch(cursor, people: list[tuple[int, str]]) -> None:
    cursor.execute(TAKEN, [[names.key(name) for _, name in people]])
    taken = {key for (key,) in cursor}
    keys, skeletons = [], []
    for number, name in people:
        key = names.key(name)
        if key in taken:
            reason = "same name as that of another account, but for case"
            sys.stdout.write(f"  {name}, account {number}: {reason}\n")
            key = f"{key} {number}"
        taken.add(key)
        keys.append(key)
        if ":" not in name:
            script = names.script(name)[:200]
            skeletons += [(number, skeleton, script) for skeleton in names.skeletons(name)]
    cursor.execute(FILL, [[number for number, _ in people], keys])
    if skeletons:
        cursor.execute(SKELETONS, [list(column) for column in zip(*skeletons, strict=True)])


class Migration(migrations.Migration):
    atomic = False  # The index is created concurrently, and each batch is a transaction.
    dependencies = [("social", "0017_name_keys")]

    operations = [
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS social_user_name_key"
            " ON social_user (name_key)",
            "DROP INDEX social_user_name_key",
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
