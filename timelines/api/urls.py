from django.urls import path

from timelines.api.views import HomeTimelineView

urlpatterns = [path("timeline/", HomeTimelineView.as_view(), name="timeline")]
