"""Routes for machines: health and figures."""

from django.urls import path

from operations import views
from operations.metrics import metrics_view

urlpatterns = [
    path("health/live/", views.live),
    path("health/ready/", views.ready),
    path("metrics", metrics_view),
]
