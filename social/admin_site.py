"""The admin site. Its log-in uses the same counters as the API's, so that attempts at a password
are limited over both together."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from social import attempts, callers


class AdminSite(admin.AdminSite):
    site_header = site_title = "Connectify"

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return super().login(request, extra_context)
        try:
            _count(request)
            if not request.POST.get("password"):
                return super().login(request, extra_context)
            with attempts.counted(request, request.POST.get("username", "")) as attempt:
                response = super().login(request, extra_context)
                attempt.failed = not isinstance(response, HttpResponseRedirect)
                return response
        except attempts.TooManyAttemptsError as error:
            return HttpResponse(
                str(error),
                status=429,
                content_type="text/plain",
                headers={"Retry-After": str(error.seconds)},
            )


def _count(request: HttpRequest) -> None:
    """Count a request of the client's network. Raises TooManyAttemptsError."""
    address = ("address", callers.network_of(request))
    if seconds := callers.wait(callers.count("login", [address])):
        raise attempts.TooManyAttemptsError(seconds)
