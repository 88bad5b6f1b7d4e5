"""The actions that operators may take on the running system, each with its form and explanation.

Guarantee: every action may be run twice, or by two people at once, without harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.utils import timezone

from events import pausing
from events.management.bounds import LARGEST_ID
from events.registry import subscribers
from operations import repairing
from operations.tasks import drop_partitions


class PauseForm(forms.Form):
    subscriber = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(subscribers)])
    minutes = forms.IntegerField(
        min_value=1,
        max_value=pausing.LONGEST_MINUTES,
        required=False,
        help_text="Empty: until it is resumed.",
    )


class ResumeForm(forms.Form):
    subscriber = forms.ChoiceField(choices=lambda: [(name, name) for name in sorted(subscribers)])


class RepairForm(forms.Form):
    post_id = forms.IntegerField(min_value=1, max_value=LARGEST_ID, label="Post's id")


class RebuildForm(forms.Form):
    user_id = forms.IntegerField(min_value=1, max_value=LARGEST_ID, label="User's id")


@dataclass(frozen=True)
class Action:
    """`run` takes the form's values and returns a message about what it has done. It may raise a
    passing error or a LookupError, whose text is shown to the operator."""

    title: str
    meaning: str
    form: type[forms.Form]
    run: Callable[..., str]
    permission: str = "operations.steer_status"


def _pause(subscriber: str, minutes: int | None) -> str:
    lasting = timedelta(minutes=minutes) if minutes else None
    pausing.pause(subscriber, lasting=lasting, now=timezone.now())
    return f"{subscriber} is paused {f'for {minutes} minutes' if minutes else 'until resumed'}."


def _resume(subscriber: str) -> str:
    pausing.resume(subscriber)
    return f"{subscriber} is not paused."


def _repair(post_id: int) -> str:
    found = repairing.repair(post_id)
    counts = ", ".join(f"{count} of {name}" for name, count in found.items())
    return f"Missing slices of post {post_id} are enqueued: {counts}."


def _drop() -> str:
    drop_partitions.enqueue()
    return "Expired partitions are being dropped; see manage.py partitions."


ACTIONS = {
    "pause": Action(
        "Pause a subscriber",
        "Within a second its consumers stop taking events. Posts wait in its queue and nothing is"
        " lost. Tasks that are already planned are still run.",
        PauseForm,
        _pause,
    ),
    "resume": Action(
        "Resume a subscriber", "It processes the events that have waited.", ResumeForm, _resume
    ),
    "repair": Action(
        "Repair a post",
        "Finds in the ledgers which of its timeline rows and pushes are missing, and enqueues them."
        " Nobody sees a post twice because of that.",
        RepairForm,
        _repair,
    ),
    "rebuild": Action(
        "Rebuild a user's timeline",
        "Fills in the newest posts of everybody whom the user follows, where they are missing, by"
        " the same code that runs after a new follow.",
        RebuildForm,
        repairing.rebuild,
    ),
    "drop": Action(
        "Drop expired partitions",
        "Hides the rows that are older than the retention, and drops those that were hidden before,"
        " for good. A periodic task does the same; this does not wait for it.",
        forms.Form,
        _drop,
        permission="operations.drop_partitions",
    ),
}
