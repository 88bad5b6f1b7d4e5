"""The API of the social core: accounts, posts, follows, blocks and mutes."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from knox.models import get_token_model
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import CreateAPIView, GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from events.failpoints import failpoint
from social import idempotency, posts, relations
from social.api import serializers
from social.models import Post, User
from social.overload import gauge

before_reply = failpoint("posts.before_reply")


class RegisterView(CreateAPIView):
    """Make an account."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.RegistrationSerializer


class LoginView(GenericAPIView):
    """A new token for one device. It is shown this once; only its digest is kept."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = serializers.LoginSerializer

    @extend_schema(responses=serializers.LoginAnswerSerializer)
    def post(self, request) -> Response:
        login = self.get_serializer(data=request.data)
        login.is_valid(raise_exception=True)
        user = login.validated_data["user"]
        row, token = get_token_model().objects.create(
            user=user, name=login.validated_data["device"]
        )
        answer = {"token": token, "expires_at": row.expiry, "user": user}
        return Response(serializers.LoginAnswerSerializer(answer).data)


class LogoutView(APIView):
    """Revoke the token of this request."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request) -> Response:
        request.auth.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class PostsView(GenericAPIView):
    """Publish a post to the followers."""

    serializer_class = serializers.PostSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                str,
                OpenApiParameter.HEADER,
                description="The same key and body within 24 hours give the first answer again.",
            )
        ],
        responses={201: serializers.PostSerializer},
    )
    def post(self, request) -> Response:
        draft = self.get_serializer(data=request.data)
        draft.is_valid(raise_exception=True)
        gauge.check()
        now = timezone.now()

        def publish() -> dict:
            post = posts.publish(request.user, draft.validated_data["content"], now=now)
            return self.get_serializer(post).data

        key = request.headers.get("Idempotency-Key")
        if key is None:
            return Response(publish(), status=status.HTTP_201_CREATED)
        content = draft.validated_data["content"].encode()
        answer, repeated = idempotency.once(request.user, _checked(key), content, publish, now=now)
        before_reply()
        headers = {"Idempotent-Replayed": "true"} if repeated else None
        return Response(answer, status=status.HTTP_201_CREATED, headers=headers)


def _checked(key: str) -> str:
    if not 1 <= len(key) <= 255 or not key.isprintable():
        message = "Give 1 to 255 printable characters."
        raise ValidationError({"Idempotency-Key": [message]})
    return key


class PostView(GenericAPIView):
    """One post."""

    serializer_class = serializers.PostSerializer
    queryset = Post.objects.filter(deleted_at=None).select_related("author")

    def get(self, request, pk: int) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def delete(self, request, pk: int) -> Response:
        """Delete a post of one's own."""
        post = get_object_or_404(self.get_queryset(), pk=pk, author=request.user)
        posts.delete(post, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RelationView(APIView):
    """Stand in a relation to another user (PUT), or end it (DELETE); both may be repeated."""

    begin = None
    end = None

    @extend_schema(request=None, responses={204: None})
    def put(self, request, user_id: int) -> Response:
        type(self).begin(request.user, self._other(user_id), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None})
    def delete(self, request, user_id: int) -> Response:
        type(self).end(request.user, self._other(user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _other(self, user_id: int) -> User:
        return get_object_or_404(User, pk=user_id, is_active=True)


class FollowView(RelationView):
    begin = relations.follow
    end = relations.unfollow


class BlockView(RelationView):
    begin = relations.block
    end = relations.unblock


class MuteView(RelationView):
    begin = relations.mute
    end = relations.unmute
