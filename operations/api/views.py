"""What the author of a post may see of its delivery; nobody else can ask."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from operations import deliveries
from operations.api.serializers import PostDeliverySerializer
from social import posts


class PostDeliveryView(APIView):
    """How far an own post has come: timelines, pushes by state, and their latency."""

    @extend_schema(responses=PostDeliverySerializer)
    def get(self, request, post_id: int) -> Response:
        post = get_object_or_404(posts.by(request.user), pk=post_id)
        return Response(PostDeliverySerializer(deliveries.of(post)).data)
