"""The page for a person who opens the server's address in a browser."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

USUAL_ADMIN_PATH = "admin/"


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Show the front page. It links to the admin, but if the admin has an unusual path, only for
    users who are logged in to it."""
    shown = settings.ADMIN_PATH == USUAL_ADMIN_PATH or request.user.is_staff
    return render(request, "front_page.html", {"admin": shown and reverse("admin:index")})
