"""Routes: the API below /api/v1/, its documentation, health checks, metrics and the admin."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

handler400 = "social.api.problems.bad_request"
handler403 = "social.api.problems.permission_denied"
handler404 = "social.api.problems.not_found"
handler500 = "social.api.problems.server_error"

urlpatterns = [
    path("api/v1/", include("social.api.urls")),
    path("api/v1/", include("timelines.api.urls")),
    path("api/v1/", include("notifications.api.urls")),
    path("api/v1/", include("analytics.api.urls")),
    path("api/v1/", include("operations.api.urls")),
    path("api/", include("social.api.documents")),
    path("", include("operations.urls")),
    path(settings.ADMIN_PATH, admin.site.urls),
]
