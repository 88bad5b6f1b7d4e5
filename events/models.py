"""What the bus keeps: events on their way out, events that had their effect, failed messages."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class OutboxEvent(models.Model):
    """A message to be published, written in the transaction of what it tells about.

    It holds everything that is published, so that the same row can be aimed at any exchange or,
    with an empty exchange, at one queue alone.
    """

    # As long as a letter's message_id, since a replay bears that.
    event_id = models.CharField(max_length=255)
    exchange = models.CharField(max_length=255, blank=True)
    routing_key = models.CharField(max_length=255)
    headers = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [
            # For "=" and for "begins with", whatever the collation. By db_index it would be two.
            models.Index(
                fields=["event_id"], opclasses=["varchar_pattern_ops"], name="events_outbox_event"
            ),
            # The relay's claim: pending rows that are due, oldest first.
            models.Index(
                "due_at", condition=models.Q(published_at=None), name="events_outbox_pending"
            ),
            # The reconciler's look at what was published since its last one, and pruning.
            models.Index(
                "published_at",
                condition=models.Q(published_at__isnull=False),
                name="events_outbox_published",
            ),
            # The few that the broker returned: no queue takes them.
            models.Index(
                "id",
                condition=models.Q(published_at=None, attempts__gt=0),
                name="events_outbox_unroutable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.routing_key} {self.event_id}"


class InboxEntry(models.Model):
    """An event that has had its effect at a subscriber; `body_hash` (SHA-256) tells a second
    event under the same id from a redelivery."""

    pk = models.CompositePrimaryKey("subscriber", "event_id")
    subscriber = models.CharField(max_length=50)
    event_id = models.CharField(max_length=100)
    body_hash = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "inbox entries"
        indexes = [models.Index("received_at", name="events_inbox_received")]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.event_id}"


class WaitingEvent(models.Model):
    """An event that could not have its effect while its neighbours could: tried again by itself,
    at `due_at`, until it succeeds or becomes a dead letter with the `reason`."""

    subscriber = models.CharField(max_length=50)
    event_id = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    body = models.BinaryField()
    body_hash = models.BinaryField(max_length=32)
    # Those during which the subscriber could work, the one before it was set aside included.
    attempts = models.PositiveIntegerField(default=1)
    reason = models.TextField(blank=True)
    set_aside_at = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "event_id"], name="events_waiting_once")
        ]
        # The next one that is due.
        indexes = [models.Index(fields=["subscriber", "due_at"], name="events_waiting_due")]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.event_id}: {self.reason}"


class DeadLetter(models.Model):
    """A message that no subscriber or worker could use, whole, with the reason; save one that is
    erased, which has lost its body and the exception's text, and can only be discarded."""

    class State(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    queue = models.CharField(max_length=255)
    # An event's or task's id, else a hash of the body: what tells a letter that failed again.
    message_id = models.CharField(max_length=255)
    task = models.CharField(max_length=255, blank=True)
    event_type = models.CharField(max_length=100, blank=True)
    # Whom and what it is about, as "post_id:5" and as "5", for an operator's search.
    subjects = ArrayField(models.CharField(max_length=60), default=list)
    headers = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    body = models.BinaryField()
    # SHA-256 of the body that came, set by a trigger. Two messages may bear one id: each is kept.
    body_hash = models.BinaryField(max_length=32, editable=False, db_default=b"")
    exception_type = models.CharField(max_length=255, blank=True)
    exception_message = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    traceparent = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveIntegerField(default=1)
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    # When the latest replay goes out, and when it was found to have had its effect.
    replayed_at = models.DateTimeField(null=True)
    healed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["queue", "message_id", "body_hash"], name="events_letter_once"
            )
        ]
        indexes = [
            GinIndex("subjects", name="events_letter_subjects"),
            # The groups of open letters, and the pages of one group.
            models.Index(
                fields=["state", "queue", "exception_type", "-last_failed_at"],
                name="events_letter_group",
            ),
            # The replayed letters whose end is not known.
            models.Index(
                "replayed_at",
                condition=models.Q(state="replayed", healed_at=None),
                name="events_letter_unsettled",
            ),
        ]
        permissions = [
            ("replay_deadletter", "Can send dead letters to their queues again"),
            ("discard_deadletter", "Can discard dead letters"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.message_id}: {self.exception_type or 'failed'}"


class Pause(models.Model):
    """A subscriber whose events wait in its queue, until a time or until it is resumed."""

    subscriber = models.CharField(max_length=50, primary_key=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} until {self.until or 'it is resumed'}"


class Reconciliation(models.Model):
    """Until when it is known that a subscriber has had every event that was published. The row is
    made before the subscriber's queue is first declared, and says where the subscriber starts."""

    subscriber = models.CharField(max_length=50, primary_key=True)
    complete_until = models.DateTimeField()
    # When its queue was last seen empty: everything published before had been taken by then.
    empty_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} until {self.complete_until}"


class PeriodicRun(models.Model):
    """When a periodic task last began. By the newest of these it is seen whether beat is silent."""

    task = models.CharField(max_length=100, primary_key=True)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task}, {self.began_at}"
