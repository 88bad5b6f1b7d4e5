"""The admin, whose log-in is counted as that of the API is, by the same counters: a password is
tried only so often, wherever."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import BaseThrottle

from social import callers


class AdminSite(admin.AdminSite):
    site_header = site_title = "Connectify"

    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if request.method == "POST" and (seconds := _wait(request)):
            return HttpResponse(
                f"Too many attempts to log in. Try again in {seconds} seconds.",
                status=429,
                content_type="text/plain",
                headers={"Retry-After": seconds},
            )
        return super().login(request, extra_context)


def _wait(request: HttpRequest) -> int:
    """Count an attempt; how many seconds to wait before the next if it is one too many."""
    address = callers.network(BaseThrottle().get_ident(request))
    account = callers.account(request.POST.get("username", ""))
    return callers.wait(callers.count("login", [("address", address), ("account", account)]))
