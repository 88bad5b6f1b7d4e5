from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            "Comment",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("post_id", models.BigIntegerField()),
                ("text", models.CharField(max_length=500)),
            ],
        ),
        migrations.CreateModel(
            "Mention",
            [
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("comment_id", models.BigIntegerField(unique=True)),
                ("name", models.CharField(max_length=100)),
            ],
        ),
    ]
