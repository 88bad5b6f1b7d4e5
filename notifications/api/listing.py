"""The notifications list over REST."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from notifications import listing, marks
from notifications.api import cursors
from notifications.models import Held
from social.api import paging, shapes
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PostSerializer, StrictSerializer


class NotificationSerializer(serializers.Serializer[Any]):
    example = {
        "post": PostSerializer.example,
        "created_at": "2026-01-15T10:30:01Z",
        "read": False,
        "seen": True,
        "held": None,
    }
    post = PostSerializer()
    created_at = serializers.DateTimeField(help_text="When the user was notified.")
    read = serializers.BooleanField()
    seen = serializers.BooleanField(help_text="Whether it is read, or was marked as seen.")
    held = serializers.ChoiceField(
        Held.choices, allow_null=True, help_text="Why its push was suppressed; null if it was not."
    )


class NotificationPageSerializer(serializers.Serializer[Any]):
    example = {"results": [NotificationSerializer.example], "next": None}
    results = NotificationSerializer(many=True)
    next = serializers.URLField(
        allow_null=True,
        help_text="The next page; a page may have fewer results than requested. null at the end.",
    )


class NotificationsView(APIView):
    """Your notifications: the unread ones, then the read ones, each with the newest first."""

    @extend_schema(
        parameters=[
            *paging.PARAMETERS,
            OpenApiParameter("unread", bool, description="Only unread notifications."),
        ],
        responses=NotificationPageSerializer,
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        page = listing.page(
            request.user,
            now=timezone.now(),
            at=cursors.decode(request.query_params.get("cursor")),
            unread=_flag(request, "unread"),
            size=paging.limit(request),
        )
        cursor = page.next and cursors.encode(page.next)
        return paging.answer(request, [_shape(entry) for entry in page.entries], cursor)


class NotificationCountSerializer(serializers.Serializer[Any]):
    example = {"count": 7, "unseen": 2, "more": False}
    count = serializers.IntegerField(help_text=f"At most {listing.MOST}.")
    unseen = serializers.IntegerField(help_text="How many of them are not seen.")
    more = serializers.BooleanField(help_text="Whether there are more than `count`.")


class NotificationCountView(APIView):
    """Count your unread notifications, among the newest ones."""

    @extend_schema(responses=NotificationCountSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        return Response(asdict(listing.count_unread(request.user, now=timezone.now())))


class NotificationView(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, post_id: int) -> Response:
        """Dismiss the notification of a post: remove it from the list. It may be repeated."""
        if not listing.dismiss(request.user, post_id, now=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class NotificationReadView(APIView):
    @extend_schema(request=None, responses={204: None})
    def put(self, request: AuthenticatedRequest, post_id: int) -> Response:
        """Mark the notification of a post as read. It may be repeated."""
        if not listing.mark_read(request.user, post_id, now=timezone.now()):
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


class UpToSerializer(StrictSerializer):
    example = {"up_to": 789}
    up_to = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="The post of one of your notifications."
    )


class MarkView(GenericAPIView[Any]):
    serializer_class = UpToSerializer
    # Marks the notifications up to a post; see marks.py.
    mark: ClassVar[Callable[..., bool]]

    @extend_schema(responses={204: None})
    def post(self, request: AuthenticatedRequest) -> Response:
        wish = self.get_serializer(data=request.data)
        wish.is_valid(raise_exception=True)
        if not type(self).mark(request.user, wish.validated_data["up_to"]):
            message = "You have no notification of this post."
            raise serializers.ValidationError({"up_to": [message]})
        return Response(status=status.HTTP_204_NO_CONTENT)


class NotificationsReadView(MarkView):
    """Mark the notifications of a post and of all older posts as read."""

    mark = marks.mark_read


class NotificationsSeenView(MarkView):
    """Mark the notifications of a post and of all older posts as seen: they stay unread, but need
    no badge any more."""

    mark = marks.mark_seen


def _flag(request: Request, name: str) -> bool:
    given: str = request.query_params.get(name, "false")
    if given not in ("true", "false"):
        raise serializers.ValidationError({name: ["Give true or false."]})
    return given == "true"


def _shape(entry: listing.Entry) -> dict[str, Any]:
    return {
        "post": shapes.post(entry.post),
        "created_at": shapes.moment(entry.created_at),
        "read": entry.read,
        "seen": entry.seen,
        "held": entry.held,
    }
