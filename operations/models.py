"""What operators are permitted. The page has no table: it shows others'."""

from django.db import models


class Status(models.Model):
    """Stands for the operations page in the admin's index and among the permissions."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        permissions = [
            ("steer_status", "Can pause, resume, repair and rebuild"),
            ("drop_partitions", "Can drop expired partitions"),
        ]
        verbose_name_plural = "status"

    def __str__(self) -> str:
        return "status"
