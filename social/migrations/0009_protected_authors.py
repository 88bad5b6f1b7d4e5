import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("social", "0008_posting_lock")]

    operations = [
        migrations.AlterField(
            "post",
            "author",
            models.ForeignKey(
                settings.AUTH_USER_MODEL,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="posts",
                db_index=False,
            ),
        ),
    ]
