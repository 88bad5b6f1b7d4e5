"""Finding people by their usernames over REST."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from social import accounts, search
from social.api import paging, profiles, shapes
from social.api.account_serializers import UsernameField
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PersonPageSerializer, ProfileSerializer
from social.models import User

SALT = "people.cursor"


def name_field(help_text: str) -> UsernameField:
    return UsernameField(max_length=150, validators=[User.username_validator], help_text=help_text)


class PrefixSerializer(serializers.Serializer[Any]):
    q = name_field("The beginning of a username, in upper or lower case.")


class NameSerializer(serializers.Serializer[Any]):
    username = name_field("The whole username, in upper or lower case.")


class PeopleSearchView(APIView):
    """Find people whose usernames begin with `q`, in the order of their names."""

    @extend_schema(
        operation_id="users_list",
        parameters=[PrefixSerializer, *paging.PARAMETERS],
        responses=PersonPageSerializer,
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        size = paging.limit(request)
        cursor = request.query_params.get("cursor")
        after = None if cursor is None else decode(cursor)
        prefix = _given(PrefixSerializer, request, "q")
        # Read one person more than the page has, to know whether there is a next page.
        found = list(search.by_prefix(prefix, viewer=request.user, after=after)[: size + 1])
        following = encode(found[size - 1].name_key) if len(found) > size else None
        return paging.answer(request, [shapes.person(user) for user in found[:size]], following)


class LookupView(APIView):
    """Read the profile of the person with this username."""

    @extend_schema(
        parameters=[NameSerializer], responses={200: ProfileSerializer} | may_answer(404)
    )
    def get(self, request: AuthenticatedRequest) -> Response:
        name = _given(NameSerializer, request, "username")
        named = User.objects.named(name).values("pk")
        people = accounts.visible_to(request.user).select_related("profile")
        return profiles.answer(request, get_object_or_404(people, pk__in=named))


def encode(key: str) -> str:
    """The cursor of the page after the person with this key."""
    return paging.sign(key, SALT)


def decode(cursor: str) -> str:
    """The key in a cursor. Raises a ValidationError that names the query parameter."""
    return str(paging.unsign(cursor, SALT))


def _given(serializer: type[serializers.Serializer[Any]], request: Request, name: str) -> str:
    asked = serializer(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    return str(asked.validated_data[name])
