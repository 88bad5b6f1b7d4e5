"""Headers of every answer under /api/: the state of the rate limits, and that only the caller may
cache it. Cookies are removed from requests and answers.

ETag and 304 come from Django's ConditionalGetMiddleware: with `no-cache` a client may keep an
answer but must ask whether it is still current.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from social import callers
from social.api import throttling
from social.api.problems import API_PREFIX


class ApiHeaders:
    """The middleware that sets them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        inside = request.path.startswith(API_PREFIX)
        if inside:
            # A browser that is logged in to the admin sends the admin's cookies here too.
            request.META.pop("HTTP_COOKIE", None)
        response = self._get_response(request)
        if inside:
            response.cookies.clear()
            response.headers.setdefault("Cache-Control", "private, no-cache")
            patch_vary_headers(response, ["Authorization"])
            if states := callers.noted(request):
                window = settings.THROTTLE_WINDOW_SECONDS
                for name, value in throttling.headers(states, window).items():
                    response[name] = value
        return response
