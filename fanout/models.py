"""The horizons of partitioned tables. The abstract models of ledgers are in ledger.py."""

from django.db import models


class Horizon(models.Model):
    """The post id below which a partitioned table keeps no rows; see retention.py."""

    table_name = models.CharField(max_length=63, primary_key=True)
    post_id = models.BigIntegerField()

    class Meta:
        # The table's name is from the time when the app `social` owned it.
        db_table = "social_horizon"

    def __str__(self) -> str:
        return f"{self.table_name} from post {self.post_id}"
