from django.urls import path

from timelines.api import views

urlpatterns = [
    path("timeline/", views.HomeTimelineView.as_view(), name="timeline"),
    path("timeline/unread-count/", views.UnreadCountView.as_view(), name="timeline-unread-count"),
    path("timeline/read/", views.ReadMarkView.as_view(), name="timeline-read"),
]
