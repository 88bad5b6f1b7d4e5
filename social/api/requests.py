"""The requests that the API's views get."""

from typing import TYPE_CHECKING

from rest_framework.request import Request

from social.models import Token, User


class AuthenticatedRequest(Request):
    """A request whose caller is logged in, which all views demand that do not say otherwise.

    For annotations only: the framework makes plain Requests.
    """

    if TYPE_CHECKING:
        user: User
        auth: Token
