"""Routes of the caller's own figures."""

from django.urls import path

from analytics.api.views import DaysView, HoursView

urlpatterns = [
    path("analytics/days/", DaysView.as_view(), name="analytics-days"),
    path("analytics/hours/", HoursView.as_view(), name="analytics-hours"),
]
