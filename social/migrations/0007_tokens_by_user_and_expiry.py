from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("social", "0006_dormant_follows"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="token",
            index=models.Index(fields=["user", "-number"], name="social_token_by_user"),
        ),
        migrations.AddIndex(
            model_name="token",
            index=models.Index(fields=["expiry"], name="social_token_by_expiry"),
        ),
    ]
