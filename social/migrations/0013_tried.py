from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("social", "0012_activity")]

    operations = [
        migrations.AddField("closure", "tried_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField(
            "forgottenpassword", "tried_at", models.DateTimeField(null=True, editable=False)
        ),
    ]
