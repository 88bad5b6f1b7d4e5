from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("social", "0008_posting_lock")]

    operations = [
        migrations.AddField("closure", "tried_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField(
            "forgottenpassword", "tried_at", models.DateTimeField(null=True, editable=False)
        ),
    ]
