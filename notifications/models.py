"""Preferences and devices of users, their notifications, and the outcome of each push."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from fanout import ledger
from social.models import Post, Token, User, person
from social.time_zones import check_time_zone

WEB_PUSH = "web_push"


def post_key() -> models.ForeignKey[Post, Post]:
    return models.ForeignKey(
        Post, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class Preference(models.Model):
    """A user's preferences. A user without a row gets no notifications; the first device creates
    the row.

    Quiet hours start and end by the user's local time and may span midnight; both are NULL if there
    are none. `hourly_cap` is in posts per hour; NULL means no cap. The cap counts `pushed`, the ids
    of the posts that were pushed within the last hour, and `pushed_at`, when each was pushed.
    `summed_up_at` is when the last summary was pushed.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    push_enabled = models.BooleanField(default=True)
    time_zone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", validators=[check_time_zone]
    )
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    hourly_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1_000)]
    )
    pushed = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False)
    pushed_at = ArrayField(models.DateTimeField(), default=list, db_default=[], editable=False)
    summed_up_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="notifications_quiet_hours",
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False)
                & ~Q(quiet_from=F("quiet_until")),
                violation_error_message="Give a begin and another end, or neither.",
            )
        ]

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class PushedAuthor(models.Model):
    """An author with at least one follower who has, or once had, push enabled. Triggers maintain
    this table (see migration 0018). For any other author, planning only probes this key."""

    author_id = models.BigIntegerField(primary_key=True)

    def __str__(self) -> str:
        return f"author {self.author_id}"


class SilencedAuthor(models.Model):
    """An author whose posts are listed but not pushed to this user."""

    pk = models.CompositePrimaryKey("user_id", "author_id")
    user = person("silenced_authors")
    author = person("silenced_by")
    created_at = models.DateTimeField()

    class Meta:
        # Each slice of an author's post reads which followers have silenced the author.
        indexes = [models.Index(fields=["author", "user"], name="notifications_silenced_fanout")]

    def __str__(self) -> str:
        return f"{self.user_id} silences {self.author_id}"


class PushSubscription(models.Model):
    """A device. An endpoint belongs to one user.

    `endpoint` is the URL of a Web Push subscription, whose keys `p256dh` and `auth` are unpadded
    base64url, or the registration token of another transport ("fcm", "console"), which has no keys.
    `application_server_key` is the VAPID public key with which a Web Push subscription was created;
    empty for devices that are older than this column.
    `wishes` say how the device wants its messages; the transport defines their meaning.
    `token` or `session` is the log-in that registered the device last (see logins.py). Both are
    NULL if the token has expired or the device is older than these columns. `used_at` is when the
    user is last known to have used the device.
    """

    class Test(models.TextChoices):
        """The result of the last test push."""

        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_subscriptions")
    transport = models.CharField(max_length=20, default=WEB_PUSH, db_default=WEB_PUSH)
    endpoint = models.CharField(max_length=1000)
    p256dh = models.CharField(max_length=100, blank=True)
    auth = models.CharField(max_length=50, blank=True)
    application_server_key = models.CharField(max_length=100, blank=True, db_default="")
    name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField()
    tested_at = models.DateTimeField(null=True)
    test = models.CharField(max_length=10, null=True, choices=Test)
    wishes = models.JSONField(default=dict, db_default={}, blank=True)
    # The database has its own foreign key, which deletes the devices of a deleted token (migration
    # 0020).
    token = models.ForeignKey(
        Token,
        to_field="number",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    session = models.CharField(max_length=32, null=True)
    used_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "transport"], name="notifications_subscription_address"
            )
        ]
        indexes = [
            # Finds the devices of a token that ends.
            models.Index(
                fields=["token"],
                condition=Q(token__isnull=False),
                name="notifications_device_token",
            ),
            # Finds devices without a log-in that were not used for long.
            models.Index(
                fields=["used_at"], condition=Q(token=None), name="notifications_device_unused"
            ),
            # Finds devices with another key: see made_with_other_keys().
            models.Index(
                "application_server_key",
                condition=~Q(application_server_key=""),
                name="notifications_subscription_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or 'device'} of {self.user_id}"


class Held(models.TextChoices):
    """Why a push was suppressed: by a preference, or because its post was already an hour old."""

    AUTHOR = "author"
    QUIET_HOURS = "quiet hours"
    HOURLY_CAP = "hourly cap"
    LATE = "late"


class Notification(models.Model):
    """A notification of a user about a post; users without a device have notifications too.
    Partitioned by post.

    `held` says why the push was suppressed; NULL if it was not. A dismissed notification keeps its
    row, because a task that is delivered again would insert it again.
    """

    pk = models.CompositePrimaryKey("recipient_id", "post_id")
    recipient = person("notifications")
    post = post_key()
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)
    held = models.CharField(max_length=20, null=True, choices=Held)

    def __str__(self) -> str:
        return f"post {self.post_id} to {self.recipient_id}"


class ReadMark(models.Model):
    """The posts up to which a user has read, and has seen, their notifications; one row per user.
    `read_floor` and `read_above` say which notifications were present then (see
    social/read_marks.py), and so do the columns for the mark of what is seen."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True)
    post_id = models.BigIntegerField()
    read_floor = models.BigIntegerField(null=True)
    read_above = ArrayField(models.BigIntegerField(), null=True)
    seen_up_to = models.BigIntegerField(default=0, db_default=0)
    seen_floor = models.BigIntegerField(default=0, db_default=0)
    seen_above = ArrayField(models.BigIntegerField(), default=list, db_default=[])

    def __str__(self) -> str:
        return f"{self.user_id} up to post {self.post_id}"


class FanOut(ledger.FanOut):
    """The fan-out of a post to the devices."""

    class Meta:
        indexes = [ledger.unfinished()]


class SliceRecord(ledger.SliceRecord):
    """A slice whose pushes were attempted once; their retries are found by Delivery rows. `rows` is
    the number of pushes; each push counts in one slice of its post only."""


class Delivery(models.Model):
    """One push of one post to one subscription. Partitioned by post.

    `id` comes from a sequence and only serves the admin; the key in the database is (post,
    subscription). `due_at` is set while the push is unsettled: it is the end of the sender's lease
    while `sending`, and the time of the next attempt while `retrying`. `claimed_by` is the task
    that claimed the push last. `host` is the push service's host; it finds deliveries whose
    subscription was removed. `rejected_at` is when the push service first answered 401 or 403. A
    `summary` replaces suppressed pushes.
    """

    class State(models.TextChoices):
        HELD = "held"
        SENDING = "sending"
        RETRYING = "retrying"
        SENT = "sent"
        FAILED = "failed"
        EXPIRED = "expired"
        REFUSED = "refused"

    id = models.BigAutoField(primary_key=True)
    post = post_key()
    subscription_id = models.BigIntegerField()
    recipient_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State)
    attempts = models.SmallIntegerField()
    provider_status = models.SmallIntegerField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    claimed_by = models.UUIDField(null=True)
    host = models.CharField(max_length=100, blank=True, db_default="")
    settled_at = models.DateTimeField(null=True)
    rejected_at = models.DateTimeField(null=True)
    summary = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name_plural = "deliveries"
        # Finds pushes whose task was lost: see notifications/delivery/retries.py.
        indexes = [
            models.Index(
                "due_at",
                condition=models.Q(due_at__isnull=False),
                name="notifications_delivery_due",
            )
        ]

    def __str__(self) -> str:
        return f"post {self.post_id} to device {self.subscription_id}: {self.state}"
