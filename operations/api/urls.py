"""Routes of what the API shows of several apps at once."""

from django.urls import path

from operations.api.views import PostDeliveryView

urlpatterns = [
    path("posts/<id:post_id>/delivery/", PostDeliveryView.as_view(), name="post-delivery"),
]
