"""The public profile of a person over REST."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from social import accounts, follow_counts
from social.api import shapes
from social.api.requests import AuthenticatedRequest
from social.api.serializers import ProfileSerializer


class ProfileView(APIView):
    """Read a person's profile, with the numbers of their followers and follows."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: AuthenticatedRequest, user_id: int) -> Response:
        user = get_object_or_404(accounts.visible_to(request.user), pk=user_id)
        return Response(shapes.profile(user, follow_counts.read(user.pk)))
