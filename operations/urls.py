"""Routes outside the API: the front page, health checks and metrics."""

from django.urls import path

from operations import views
from operations.front_page import front_page
from operations.metrics import metrics_view

urlpatterns = [
    path("", front_page),
    path("health/live/", views.LiveView.as_view()),
    path("health/ready/", views.ReadyView.as_view()),
    path("metrics", metrics_view),
]
