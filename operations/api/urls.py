"""API routes whose answers combine several apps."""

from django.urls import path

from operations.api.views import PostDeliveryView

urlpatterns = [
    path("posts/<id:post_id>/delivery/", PostDeliveryView.as_view(), name="post-delivery"),
]
