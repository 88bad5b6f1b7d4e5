"""Paths under /api/ are what the description says: none is redirected to one with a slash, by which
a POST would become a GET."""

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware

from social.api.problems import API_PREFIX


class ExactPaths(CommonMiddleware):
    """Django's middleware, which goes on redirecting the admin's pages."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        inside = request.path.startswith(API_PREFIX)
        return not inside and super().should_redirect_with_slash(request)
