"""The public profile of a person over REST."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from social import accounts, follow_counts, profiles, relationships
from social.api import shapes
from social.api.requests import AuthenticatedRequest
from social.api.serializers import ProfileSerializer
from social.models import User


class ProfileView(APIView):
    """Read a person's profile, with the numbers of their followers and follows, and what they are
    to you."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: AuthenticatedRequest, user_id: int) -> Response:
        people = accounts.visible_to(request.user).select_related("profile")
        return answer(request, get_object_or_404(people, pk=user_id))


def answer(request: AuthenticatedRequest, user: User) -> Response:
    """The answer with the profile of `user`, who must have been read with it."""
    relationship = None
    if user != request.user:
        relationship = relationships.read(request.user.pk, [user.pk])[user.pk]._asdict()
    shown = shapes.profile(profiles.of(user), follow_counts.read(user.pk))
    return Response(shown | {"relationship": relationship})
