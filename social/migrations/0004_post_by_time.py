from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("social", "0003_accounts"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="post",
            index=models.Index(fields=["created_at"], name="social_post_by_time"),
        ),
    ]
