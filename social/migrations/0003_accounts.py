"""Closing accounts, names of tokens, and password reset by mail."""

from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    dependencies = [("social", "0002_follow_counts")]

    operations = [
        migrations.CreateModel(
            name="Closure",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=models.CASCADE,
                        primary_key=True,
                        related_name="closure",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("closed_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ForgottenPassword",
            fields=[
                ("email", models.CharField(max_length=254, primary_key=True, serialize=False)),
                ("requested_at", models.DateTimeField()),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE social_token_number", "DROP SEQUENCE social_token_number"
        ),
        migrations.AddField(
            model_name="token",
            name="number",
            field=models.BigIntegerField(
                unique=True,
                editable=False,
                db_default=models.Func(models.Value("social_token_number"), function="nextval"),
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(Upper("email"), name="social_user_by_email"),
        ),
    ]
