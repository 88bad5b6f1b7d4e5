"""Posts over REST."""

import re
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from events.failpoints import failpoint
from social import accounts, idempotency, posts
from social.api import paging, shapes
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PostPageSerializer, PostSerializer
from social.models import Post
from social.overload import gauge

before_reply = failpoint(__name__, "before_reply")

# The JSON Schema of a key: visible ASCII with spaces inside, which every proxy passes unchanged.
KEY_LENGTH, KEY_PATTERN = 255, "^[!-~]([ -~]*[!-~])?$"
KEY = {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": KEY_PATTERN}


class PostsView(GenericAPIView[Any]):
    """Publish a post to the followers."""

    serializer_class = PostSerializer
    throttle_scope = "post"

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                KEY,
                OpenApiParameter.HEADER,
                description="A request with the same key and body within 24 hours gets the first"
                " answer again, or 404 if the post has been deleted since.",
            )
        ],
        responses={201: PostSerializer} | may_answer(404),
    )
    def post(self, request: AuthenticatedRequest) -> Response:
        draft = self.get_serializer(data=request.data)
        draft.is_valid(raise_exception=True)
        gauge.check()
        now = timezone.now()
        content = draft.validated_data["content"]

        def publish() -> dict[str, Any]:
            return shapes.post(posts.publish(request.user, content, now=now))

        key = request.headers.get("Idempotency-Key")
        if key is None:
            return Response(publish(), status=status.HTTP_201_CREATED)

        def publish_without_text() -> dict[str, Any]:
            return publish() | {"content": None}

        answer, repeated = idempotency.once(
            request.user, _checked(key), content.encode(), publish_without_text, now=now
        )
        before_reply()
        if repeated:
            get_object_or_404(posts.by(request.user), pk=answer["id"])
        # A repeated request has the same text as the first one, so take the text from it.
        answer |= {"content": content}
        headers = {"Idempotent-Replayed": "true"} if repeated else None
        return Response(answer, status=status.HTTP_201_CREATED, headers=headers)


def _checked(key: str) -> str:
    if len(key) > KEY_LENGTH or not re.fullmatch(KEY_PATTERN, key):
        message = "Give 1 to 255 visible characters of ASCII."
        raise ValidationError({"Idempotency-Key": [message]})
    return key


class PostView(GenericAPIView[Post]):
    """Read, edit or delete one post."""

    request: AuthenticatedRequest
    serializer_class = PostSerializer

    def get_queryset(self) -> QuerySet[Post]:
        return posts.visible_to(self.request.user)

    def get(self, request: AuthenticatedRequest, pk: int) -> Response:
        return Response(shapes.post(self.get_object()))

    def patch(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Edit a post of one's own."""
        post = get_object_or_404(self.get_queryset(), pk=pk, author=request.user)
        change = self.get_serializer(data=request.data, partial=True)
        change.is_valid(raise_exception=True)
        gauge.check()
        content = change.validated_data.get("content", post.content)
        edited = posts.edit(post, content, now=timezone.now())
        return Response(shapes.post(edited))

    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, pk: int) -> Response:
        """Delete a post of one's own."""
        post = get_object_or_404(self.get_queryset(), pk=pk, author=request.user)
        gauge.check_reserve()
        posts.delete(post, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class AuthorPostsView(APIView):
    """List an author's posts, newest first."""

    @extend_schema(parameters=paging.PARAMETERS, responses=PostPageSerializer)
    def get(self, request: AuthenticatedRequest, user_id: int) -> Response:
        author = get_object_or_404(accounts.visible_to(request.user), pk=user_id)
        return paging.page(request, posts.by(author), "id", shapes.post)
