"""The home timeline over REST."""

from urllib.parse import urlencode

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from social.api.serializers import PostSerializer
from timelines import reading
from timelines.api import cursors


class TimelinePageSerializer(serializers.Serializer):
    results = PostSerializer(many=True)
    older = serializers.CharField(allow_null=True, help_text="URL of the next older page.")
    newer = serializers.CharField(allow_null=True, help_text="URL of what is newer than this page.")


class HomeTimelineView(APIView):
    """Posts of the people one follows, newest first."""

    @extend_schema(
        parameters=[
            OpenApiParameter("before", str, description="A cursor: posts older than this."),
            OpenApiParameter("after", str, description="A cursor: posts newer than this."),
            OpenApiParameter("limit", int, description="Posts a page, 1 to 50."),
        ],
        responses=TimelinePageSerializer,
    )
    def get(self, request) -> Response:
        before = cursors.decode("before", request.query_params.get("before"))
        after = cursors.decode("after", request.query_params.get("after"))
        size = _limit(request.query_params.get("limit"))
        if before is not None and after is not None:
            raise ValidationError({"after": ["Give one of before and after."]})
        if after is not None:
            page = reading.newer(request.user.pk, after, size)
        else:
            page = reading.older(request.user.pk, before, size)
        return Response(self._answer(page, after, size))

    def _answer(self, page: reading.Page, after: int | None, size: int) -> dict:
        ids = [post.pk for post in page.posts]
        has_older = page.more if after is None else bool(ids)
        newest = ids[0] if ids else after
        return {
            "results": PostSerializer(page.posts, many=True).data,
            "older": self._url(size, before=ids[-1]) if has_older else None,
            "newer": self._url(size, after=newest) if newest is not None else None,
        }

    def _url(self, size: int, **cursor: int) -> str:
        ((name, post_id),) = cursor.items()
        query = urlencode({name: cursors.encode(post_id), "limit": size})
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")


def _limit(given: str | None) -> int:
    if given is None:
        return reading.PAGE
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise ValidationError({"limit": ["Give a whole number from 1 to 50."]})
    return min(max(int(given), 1), reading.PAGE)
