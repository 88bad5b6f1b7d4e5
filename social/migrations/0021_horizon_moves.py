"""Hand the model Horizon, with its permissions, over to the app `fanout`. Its table does not
change."""

from django.db import migrations


def move(apps, schema_editor) -> None:
    types = apps.get_model("contenttypes", "ContentType").objects
    types.filter(app_label="social", model="horizon").update(app_label="fanout")


def move_back(apps, schema_editor) -> None:
    types = apps.get_model("contenttypes", "ContentType").objects
    types.filter(app_label="fanout", model="horizon").update(app_label="social")


class Migration(migrations.Migration):
    dependencies = [
        ("social", "0020_addresses"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.RunPython(move, move_back),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.DeleteModel(name="Horizon")]
        ),
    ]
