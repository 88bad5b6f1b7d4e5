"""The delivery of a post, for its author and for operators only."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from operations import deliveries
from operations.api.serializers import PostDeliverySerializer
from social import posts
from social.api.requests import AuthenticatedRequest
from social.models import Post


class PostDeliveryView(APIView):
    """The delivery of one of your posts: timelines, pushes by state, and their latency. An operator
    with the permission to view deliveries may read it for any post, with all figures."""

    @extend_schema(responses=PostDeliverySerializer)
    def get(self, request: AuthenticatedRequest, post_id: int) -> Response:
        user = request.user
        if user.is_staff and user.has_perm("notifications.view_delivery"):
            post = get_object_or_404(Post, pk=post_id, deleted_at=None)
            return Response(PostDeliverySerializer(deliveries.of(post)).data)
        delivery = deliveries.of(get_object_or_404(posts.by(user), pk=post_id))
        shown = PostDeliverySerializer(delivery).data | dict.fromkeys(delivery.about_few())
        return Response(shown)
