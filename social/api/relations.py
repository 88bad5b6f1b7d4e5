"""Follows, blocks and mutes over REST."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from social import accounts, relations
from social.api import paging, shapes
from social.api.description import may_answer
from social.api.requests import AuthenticatedRequest
from social.api.serializers import PersonPageSerializer
from social.blocks import unblocked
from social.models import User
from social.overload import gauge

View = TypeVar("View", bound=type[APIView])


class RelationView(APIView):
    """Begin a relation to another user (PUT) or end it (DELETE); both are idempotent."""

    request: AuthenticatedRequest
    begin: Callable[..., None]
    end: Callable[..., None]
    check = gauge.check_reserve
    throttle_scope = "follow"

    @extend_schema(request=None, responses={204: None} | may_answer(409))
    def put(self, request: AuthenticatedRequest, user_id: int) -> Response:
        other = self.other(user_id)
        type(self).check()
        type(self).begin(request.user, other, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, user_id: int) -> Response:
        gauge.check_reserve()
        # Do not look up the user: the answer must not reveal that they block the caller by now.
        type(self).end(request.user, User(pk=user_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def other(self, user_id: int) -> User:
        """The user of a PUT. It is not looked up, because the answer must not reveal whether the
        account exists."""
        return User(pk=user_id)


def named(*, put: str, delete: str) -> Callable[[View], View]:
    """Set the OpenAPI summaries of the two methods, which the views below inherit."""
    return extend_schema_view(put=extend_schema(summary=put), delete=extend_schema(summary=delete))


@named(put="Follow somebody", delete="Unfollow somebody")
class FollowView(RelationView):
    begin = relations.follow
    end = relations.unfollow
    check = gauge.check

    def other(self, user_id: int) -> User:
        relations.refuse_blocked(self.request.user, User(pk=user_id))
        return get_object_or_404(accounts.visible_to(self.request.user), pk=user_id)


@named(put="Block somebody", delete="Unblock somebody")
class BlockView(RelationView):
    begin = relations.block
    end = relations.unblock


@named(put="Mute somebody", delete="Unmute somebody")
class MuteView(RelationView):
    begin = relations.mute
    end = relations.unmute


class PeopleView(APIView):
    """List the people in a relation to a user, newest accounts first (the order of the index)."""

    # The related name of the user's rows, and the field of such a row that holds the listed person.
    request: AuthenticatedRequest
    relation = ""
    shown = ""

    def page(self, user: User) -> Response:
        rows = getattr(user, self.relation).filter(**{f"{self.shown}__is_active": True})
        if user != self.request.user:
            # In other people's lists hide those whom the caller blocks or who block the caller.
            rows = rows.filter(unblocked(self.request.user, self.shown))
        rows = rows.select_related(self.shown)
        return paging.page(self.request, rows, f"{self.shown}_id", self._person)

    def _person(self, row: Model) -> dict[str, Any]:
        return shapes.person(getattr(row, self.shown))


class PeopleOfAnyoneView(PeopleView):
    @extend_schema(parameters=paging.PARAMETERS, responses=PersonPageSerializer)
    def get(self, request: AuthenticatedRequest, user_id: int) -> Response:
        return self.page(get_object_or_404(accounts.visible_to(request.user), pk=user_id))


class OwnPeopleView(PeopleView):
    @extend_schema(parameters=paging.PARAMETERS, responses=PersonPageSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        return self.page(request.user)


class FollowersView(PeopleOfAnyoneView):
    """List the followers of somebody."""

    relation, shown = "follower_set", "follower"


class FollowingView(PeopleOfAnyoneView):
    """List the people whom somebody follows."""

    relation, shown = "following_set", "followee"


class BlocksView(OwnPeopleView):
    """List the people whom one blocks."""

    relation, shown = "blocking_set", "blocked"


class MutesView(OwnPeopleView):
    """List the people whom one mutes."""

    relation, shown = "muting_set", "muted"
