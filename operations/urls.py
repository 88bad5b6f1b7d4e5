"""Routes for machines: health and figures."""

from django.urls import path

from operations import views
from operations.metrics import metrics_view

urlpatterns = [
    path("health/live/", views.LiveView.as_view()),
    path("health/ready/", views.ReadyView.as_view()),
    path("metrics", metrics_view),
]
