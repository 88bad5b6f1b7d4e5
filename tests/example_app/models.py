from django.db import models


class Comment(models.Model):
    post_id = models.BigIntegerField()
    text = models.CharField(max_length=500)


class Mention(models.Model):
    """A name that a comment mentions; the subscriber writes it."""

    comment_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=100)
