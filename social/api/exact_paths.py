"""No redirects under /api/. Django would redirect a path without its slash, and a client would then
repeat a POST as a GET."""

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware

from social.api.problems import API_PREFIX


class ExactPaths(CommonMiddleware):
    """Django's CommonMiddleware, which still redirects the admin's pages."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        inside = request.path.startswith(API_PREFIX)
        return not inside and super().should_redirect_with_slash(request)
