"""Push preferences over REST."""

import re
from datetime import time
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from notifications import preferences
from notifications.models import Preference, SilencedAuthor
from social import accounts
from social.api import paging
from social.api.relations import PeopleView
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PersonPageSerializer, StrictSerializer
from social.models import User

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"


@extend_schema_field({"type": "string", "pattern": TIME_OF_DAY})
class TimeOfDay(serializers.TimeField):
    """A time of day without an offset. JSON Schema's format "time" would require an offset."""

    def to_internal_value(self, value: Any) -> time:
        if not isinstance(value, str) or not re.fullmatch(TIME_OF_DAY, value):
            self.fail("invalid", format="hh:mm[:ss[.uuuuuu]]")
        parsed: time = super().to_internal_value(value)
        return parsed


class PreferenceSerializer(StrictSerializer, serializers.ModelSerializer[Preference]):
    example = {
        "push_enabled": True,
        "time_zone": "Europe/Vienna",
        "quiet_from": "22:00:00",
        "quiet_until": "07:00:00",
        "hourly_cap": 20,
    }

    quiet_from = TimeOfDay(
        required=False,
        allow_null=True,
        help_text="From this time until quiet_until, posts are listed but not pushed.",
    )
    quiet_until = TimeOfDay(
        required=False,
        allow_null=True,
        help_text="If it is before quiet_from, the quiet hours end on the next day.",
    )

    class Meta:
        model = Preference
        fields = ("push_enabled", "time_zone", "quiet_from", "quiet_until", "hourly_cap")
        extra_kwargs = {
            "push_enabled": {"help_text": "If false, posts are neither pushed nor listed."},
            "time_zone": {"help_text": "The time zone of the quiet hours, as an IANA name."},
            "hourly_cap": {"help_text": "Posts pushed per hour; further ones are only listed."},
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        own = self.instance
        assert own is not None  # Preferences are changed, never created, by this.
        begin = attrs.get("quiet_from", own.quiet_from)
        end = attrs.get("quiet_until", own.quiet_until)
        if (begin is None) != (end is None) or begin == end is not None:
            message = "Give a start and a different end of the quiet hours, or neither."
            raise serializers.ValidationError({"quiet_until": [message]})
        return attrs


class PreferencesView(GenericAPIView[Any]):
    """Your push preferences."""

    serializer_class = PreferenceSerializer

    def get(self, request: AuthenticatedRequest) -> Response:
        return Response(self.get_serializer(preferences.of(request.user)).data)

    @transaction.atomic
    def patch(self, request: AuthenticatedRequest) -> Response:
        """Change the given preferences."""
        own = preferences.lock(request.user)
        changes = self.get_serializer(own, data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        changes.save()
        return Response(changes.data)


class SilencedAuthorsView(PeopleView):
    """The authors whose posts are listed but not pushed."""

    relation, shown = "silenced_authors", "author"

    @extend_schema(
        operation_id="push_preferences_authors_list",
        parameters=paging.PARAMETERS,
        responses=PersonPageSerializer,
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        return self.page(request.user)


class AuthorPreferenceSerializer(StrictSerializer):
    example = {"push": "none"}
    push = serializers.ChoiceField(
        ["all", "none"], help_text="none: this author's posts are listed but not pushed."
    )


class AuthorPreferenceView(GenericAPIView[Any]):
    """Whether an author's posts are pushed."""

    request: AuthenticatedRequest
    serializer_class = AuthorPreferenceSerializer

    def get(self, request: AuthenticatedRequest, user_id: int) -> Response:
        author = self._visible(user_id)
        silenced = SilencedAuthor.objects.filter(user=request.user, author=author)
        return Response({"push": "none" if silenced.exists() else "all"})

    def put(self, request: AuthenticatedRequest, user_id: int) -> Response:
        """Choose whether all of an author's posts are pushed, or none."""
        author = self._visible(user_id)
        wish = self.get_serializer(data=request.data)
        wish.is_valid(raise_exception=True)
        if wish.validated_data["push"] == "none":
            preferences.silence(request.user, author, now=timezone.now())
        else:
            preferences.unsilence(request.user, author)
        return Response(wish.data)

    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, user_id: int) -> Response:
        """Return to the default: all of the author's posts are pushed."""
        # Answer the same for every id, so that the answer does not reveal who blocks the user.
        preferences.unsilence(request.user, User(pk=user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _visible(self, user_id: int) -> User:
        return get_object_or_404(accounts.visible_to(self.request.user), pk=user_id)
