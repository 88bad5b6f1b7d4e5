"""What the partitioned tables keep; the ledgers' abstract models are in ledger.py."""

from django.db import models


class Horizon(models.Model):
    """The post id below which a partitioned table keeps no rows: see retention.py."""

    table_name = models.CharField(max_length=63, primary_key=True)
    post_id = models.BigIntegerField()

    class Meta:
        # It was made when the app `social` held it.
        db_table = "social_horizon"

    def __str__(self) -> str:
        return f"{self.table_name} from post {self.post_id}"
