"""The home timeline over REST."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from social.api import paging, shapes
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PostSerializer, StrictSerializer
from timelines import dormancy, forward, reading, unread
from timelines.api import cursors


class TimelinePageSerializer(serializers.Serializer[Any]):
    example = {
        "results": [PostSerializer.example],
        "older": None,
        "newer": "https://connectify.example/api/v1/timeline/?after=Wzc4OV0%3A3xQ0&limit=50",
    }
    results = PostSerializer(many=True)
    older = serializers.CharField(allow_null=True, help_text="URL of the next older page.")
    newer = serializers.CharField(
        allow_null=True, help_text="URL of the posts that arrive after this page was read."
    )


class HomeTimelineView(APIView):
    """Read the home timeline: posts of the people whom one follows, newest first."""

    @extend_schema(
        parameters=[
            OpenApiParameter("before", str, description="A cursor, from a page's `older`."),
            OpenApiParameter("after", str, description="A cursor, from a page's `newer`."),
            paging.LIMIT,
        ],
        responses=TimelinePageSerializer,
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        before = cursors.decode("before", request.query_params.get("before"))
        after = cursors.decode("after", request.query_params.get("after"))
        size = paging.limit(request, reading.PAGE)
        if before is not None and after is not None:
            raise ValidationError({"after": ["Give one of before and after."]})
        owner = request.user.pk
        # Read the state before the posts: a post up to `complete` is then certainly in the page.
        known = reading.state(owner)
        dormancy.note_visit(owner, known.seen_at, now=timezone.now())
        if after is not None:
            at: forward.Position | None
            page, at = forward.newer(
                owner, known, forward.Position(after[0], tuple(after[1:])), size
            )
        else:
            page = reading.older(owner, known, before[0] if before else None, size)
            at = forward.position(owner, known, page) if page.posts or not before else None
        ids = [post.pk for post in page.posts]
        has_older = bool(ids) and (after is not None or page.more)
        pages = {
            "older": self._url(size, "before", ids[-1:]) if has_older else None,
            "newer": self._url(size, "after", [at.floor, *at.seen]) if at else None,
        }
        links = [
            f'<{pages[name]}>; rel="{relation}"'
            for name, relation in (("older", "next"), ("newer", "prev"))
            if pages[name]
        ]
        results = [shapes.post(post) for post in page.posts]
        headers = {"Link": ", ".join(links)} if links else None
        return Response({"results": results} | pages, headers=headers)

    def _url(self, size: int, name: str, ids: Sequence[int]) -> str:
        query = urlencode({name: cursors.encode(ids), "limit": size})
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")


class UnreadCountSerializer(serializers.Serializer[Any]):
    example = {"count": 7, "more": False}
    count = serializers.IntegerField(help_text=f"At most {unread.MOST}.")
    more = serializers.BooleanField(help_text="Whether there are more than `count`.")


class UnreadCountView(APIView):
    """Count the unread posts among the newest ones of the home timeline."""

    @extend_schema(responses=UnreadCountSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        counted = unread.count(request.user.pk, reading.state(request.user.pk))
        return Response(asdict(counted))


class ReadMarkSerializer(StrictSerializer):
    example = {"up_to": 789}
    up_to = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="A post's id.")


class ReadMarkView(GenericAPIView[Any]):
    """Mark the home timeline as read up to a post. Nothing changes if an earlier mark was at a
    newer post."""

    serializer_class = ReadMarkSerializer

    @extend_schema(responses={204: None})
    def post(self, request: AuthenticatedRequest) -> Response:
        mark = self.get_serializer(data=request.data)
        mark.is_valid(raise_exception=True)
        up_to = mark.validated_data["up_to"]
        unread.mark_read(request.user.pk, up_to, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
