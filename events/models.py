"""The bus's tables: the outbox, the inbox, waiting events, dead letters and their bookkeeping."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class OutboxEvent(models.Model):
    """A message to be published, written in the transaction of the change that it reports.

    The row holds everything that is published. It can go to any exchange or, if `exchange` is
    empty, to one queue.
    """

    # As long as DeadLetter.message_id, which a replay uses as its event_id.
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
            # For "=" and for prefix searches in any collation; db_index would make two indexes.
            models.Index(
                fields=["event_id"], opclasses=["varchar_pattern_ops"], name="events_outbox_event"
            ),
            # For the relay's claim: pending rows that are due, oldest first.
            models.Index(
                "due_at", condition=models.Q(published_at=None), name="events_outbox_pending"
            ),
            # For the reconciler, which reads the rows published since its last run, and for
            # pruning.
            models.Index(
                "published_at",
                condition=models.Q(published_at__isnull=False),
                name="events_outbox_published",
            ),
            # For the few rows that the broker returned because no queue takes them.
            models.Index(
                "id",
                condition=models.Q(published_at=None, attempts__gt=0),
                name="events_outbox_unroutable",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.routing_key} {self.event_id}"


class InboxEntry(models.Model):
    """An event that has had its effect at a subscriber. `body_hash` (SHA-256) distinguishes a
    redelivery from a different event with the same id."""

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
    """An event that failed while other events of its batch succeeded. It is retried alone at
    `due_at`, until it succeeds or becomes a dead letter with the `reason`."""

    subscriber = models.CharField(max_length=50)
    event_id = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    body = models.BinaryField()
    body_hash = models.BinaryField(max_length=32)
    # Only attempts during which the subscriber could work count. The first is the one after which
    # the event was set aside.
    attempts = models.PositiveIntegerField(default=1)
    reason = models.TextField(blank=True)
    set_aside_at = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subscriber", "event_id"], name="events_waiting_once")
        ]
        # For the claim of the next event that is due.
        indexes = [models.Index(fields=["subscriber", "due_at"], name="events_waiting_due")]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.event_id}: {self.reason}"


class DeadLetter(models.Model):
    """A message that no subscriber or worker could process, stored completely, with the reason.
    An erased letter has lost its body and the exception's text, and can only be discarded."""

    class State(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    queue = models.CharField(max_length=255)
    # The id of the event or task, or else a hash of the body. Recognises a letter that fails again.
    message_id = models.CharField(max_length=255)
    task = models.CharField(max_length=255, blank=True)
    event_type = models.CharField(max_length=100, blank=True)
    # The ids that the message is about, as "post_id:5" and as "5", for an operator's search.
    subjects = ArrayField(models.CharField(max_length=60), default=list)
    headers = models.JSONField(default=dict)
    properties = models.JSONField(default=dict)
    body = models.BinaryField()
    # SHA-256 of the original body, set by a trigger. Part of the key, since two different messages
    # may have the same id.
    body_hash = models.BinaryField(max_length=32, editable=False, db_default=b"")
    exception_type = models.CharField(max_length=255, blank=True)
    exception_message = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    traceparent = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveIntegerField(default=1)
    first_failed_at = models.DateTimeField()
    last_failed_at = models.DateTimeField(db_index=True)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    # The due time of the latest replay, and the time at which its effect was noticed.
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
            # For the groups of open letters, and the pages of one group.
            models.Index(
                fields=["state", "queue", "exception_type", "-last_failed_at"],
                name="events_letter_group",
            ),
            # For replayed letters that are not known to have succeeded.
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
    """A paused subscriber: its events wait in its queue until `until`, or until it is resumed."""

    subscriber = models.CharField(max_length=50, primary_key=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} until {self.until or 'it is resumed'}"


class Reconciliation(models.Model):
    """How far a subscriber is reconciled: it has had every event published up to `complete_until`.
    The row is made before the subscriber's queue is first declared, and records its start."""

    subscriber = models.CharField(max_length=50, primary_key=True)
    complete_until = models.DateTimeField()
    # When its queue was last seen empty: by then it had taken everything published before.
    empty_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscriber} until {self.complete_until}"


class PeriodicRun(models.Model):
    """The start of the last run of a periodic task. If even the newest is old, beat is down."""

    task = models.CharField(max_length=100, primary_key=True)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.task}, {self.began_at}"
