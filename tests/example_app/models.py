from django.db import models


class Comment(models.Model):
    post_id = models.BigIntegerField()
    text = models.CharField(max_length=500)


class Mention(models.Model):
    """What the subscriber makes of a comment."""

    comment_id = models.BigIntegerField(unique=True)
    name = models.CharField(max_length=100)
