"""Dead letters in the admin: view, group, replay and discard them.

A user with only the view permission sees everything and can change nothing.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG, IGNORED_PARAMS, PAGE_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Max, Min, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from events import healing
from events.admin.log import log_action
from events.admin.read_only import MessageAdmin
from events.errors import PassingError, wrap_passing_errors
from events.models import DeadLetter
from events.subjects import shown
from events.tasks import discard_letters, replay_letters

TASKS = {"replay": replay_letters, "discard": discard_letters}
RATE = forms.IntegerField(min_value=1, max_value=healing.FASTEST)
Letters = QuerySet[DeadLetter]
# Query parameters of the list that are not filters.
OTHER_PARAMETERS = {*IGNORED_PARAMS, PAGE_VAR, ERROR_FLAG}


@admin.register(DeadLetter)
class DeadLetterAdmin(MessageAdmin):
    list_display = (
        *("message_id", "queue", "what", "reason", "attempts", "last_failed_at"),
        *("state", "replayed_at", "healed_at"),
    )
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        *((name, admin.AllValuesFieldListFilter) for name in ("queue", "task", "exception_type")),
        "last_failed_at",
    )
    fields = (
        *("queue", "message_id", "task", "event_type", "subjects", "state", "attempts"),
        *("first_failed_at", "last_failed_at", "replayed_at", "healed_at"),
        "erased_at",
        *("exception_type", "message_text", "traceback_text"),
        *("traceparent", "headers", "properties", "body_text"),
    )
    ordering = ("-last_failed_at",)
    search_fields = ("=message_id",)
    search_help_text = "An event's or task's id, or the id of a post or user (post_id:5, or just 5)"
    actions = ("replay_selected", "discard_selected")
    change_list_template = "admin/events/deadletter/change_list.html"

    @admin.display(description="task or event")
    def what(self, letter: DeadLetter) -> str:
        return letter.task or letter.event_type or "?"

    @admin.display
    def reason(self, letter: DeadLetter) -> str:
        return f"{letter.exception_type} {self.message_text(letter)[:80]}"

    @admin.display(description="exception message")
    def message_text(self, letter: DeadLetter) -> str:
        # Runs one query by key for each letter of a page.
        return shown(letter.subjects, letter.exception_message)

    @admin.display(description="traceback")
    def traceback_text(self, letter: DeadLetter) -> str:
        return shown(letter.subjects, letter.traceback)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.replay_deadletter")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("events.discard_deadletter")

    def get_search_results(
        self, request: HttpRequest, queryset: Letters, search_term: str
    ) -> tuple[Letters, bool]:
        if not search_term:
            return queryset, False
        by_id = queryset.filter(message_id=search_term)
        return by_id | queryset.filter(subjects__contains=[search_term]), False

    @admin.action(description="Replay…", permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: Letters) -> TemplateResponse | None:
        return self._confirm_and_start(request, "replay")

    @admin.action(description="Discard…", permissions=["discard"])
    def discard_selected(self, request: HttpRequest, queryset: Letters) -> TemplateResponse | None:
        return self._confirm_and_start(request, "discard")

    def _confirm_and_start(self, request: HttpRequest, verb: str) -> TemplateResponse | None:
        """Show a confirmation page with the number of letters; once confirmed, enqueue the task
        that does it, without waiting for the task."""
        selection = _selection(request)
        if unknown := selection.keys() - healing.LOOKUPS:
            # Ignoring a filter would act on more letters than the page shows.
            names = ", ".join(sorted(unknown))
            self.message_user(request, f"Letters cannot be selected by {names}.", messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, _chosen(selection, verb).count(), verb)
        arguments: dict[str, Any] = {"selection": selection}
        if verb == "replay":
            try:
                arguments["rate"] = RATE.clean(request.POST.get("rate", ""))
            except ValidationError:
                self.message_user(request, "Give a rate from 1 to 10,000.", messages.ERROR)
                return None
        count = _chosen(selection, verb).count()
        try:
            with wrap_passing_errors():
                TASKS[verb].enqueue(**arguments)
        except PassingError as error:
            self.message_user(request, f"The broker is unreachable: {error}", messages.ERROR)
            return None
        done = f"{verb} of {count:,} dead letters: {arguments}"
        log_action(request, DeadLetter, "dead letters", done)
        self.message_user(
            request, f"{verb.capitalize()} of {count:,} letters has started; reload to watch it."
        )
        return None

    def _ask(self, request: HttpRequest, count: int, verb: str) -> TemplateResponse:
        context = self.admin_site.each_context(request) | {
            "title": f"{verb.capitalize()} {count:,} dead letters?",
            "opts": self.opts,
            "count": count,
            "verb": verb,
            "rate": healing.RATE,
            "selected": request.POST.getlist("_selected_action"),
            "select_across": request.POST.get("select_across", "0"),
            "action": request.POST["action"],
        }
        return TemplateResponse(request, "admin/events/deadletter/confirm.html", context)

    def get_urls(self) -> list[URLPattern]:
        groups = self.admin_site.admin_view(self.groups_view)
        return [path("groups/", groups, name="events_deadletter_groups"), *super().get_urls()]

    def groups_view(self, request: HttpRequest) -> TemplateResponse:
        """Open letters by queue, task and exception, the most frequent first."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        keys = ("queue", "task", "event_type", "exception_type")
        groups = (
            DeadLetter.objects.filter(state=DeadLetter.State.OPEN)
            .values(*keys)
            .annotate(count=Count("id"), first=Min("first_failed_at"), last=Max("last_failed_at"))
            .order_by("-count", *keys)
        )
        context = self.admin_site.each_context(request) | {
            "title": "Open dead letters by exception",
            "opts": self.opts,
            "groups": groups,
        }
        return TemplateResponse(request, "admin/events/deadletter/groups.html", context)


def _selection(request: HttpRequest) -> dict[str, Any]:
    """Return the lookups for the marked letters, or for all that match the page's filters."""
    if request.POST.get("select_across") != "1":
        ids = [int(pk) for pk in request.POST.getlist("_selected_action")]
        # Keep the filter for replayed letters; select() returns only open ones otherwise.
        state = {name: v for name, v in request.GET.items() if name == "state__exact"}
        return {"id__in": ids} | state
    chosen: dict[str, Any] = {
        name: v for name, v in request.GET.items() if name not in OTHER_PARAMETERS
    }
    term = request.GET.get("q")
    if term:
        chosen |= {"subjects__contains": [term]}
    return chosen


def _chosen(selection: dict[str, Any], verb: str) -> QuerySet[DeadLetter]:
    letters = healing.select(selection)
    return healing.replayable(letters) if verb == "replay" else letters
