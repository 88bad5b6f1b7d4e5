"""Canaries, and the permissions of operators. The operations page has no table of its own."""

from django.db import models


class Canary(models.Model):
    """A test post whose arrival is measured (see canary.py)."""

    post_id = models.BigIntegerField(primary_key=True)
    posted_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return f"post {self.post_id}"


class Status(models.Model):
    """Represents the operations page in the admin's index and among the permissions."""

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
