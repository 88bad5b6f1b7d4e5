"""The caller's own tokens over REST, one per device that has logged in."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import APIView

from social.api import paging
from social.api.account_serializers import TokenPageSerializer, TokenSerializer
from social.api.requests import AuthenticatedRequest
from social.models import Token


class TokensView(APIView):
    """List the devices that are logged in, newest first."""

    @extend_schema(parameters=paging.PARAMETERS, responses=TokenPageSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        def shown(token: Token) -> dict[str, Any]:
            return dict(TokenSerializer(token, context={"request": request}).data)

        return paging.page(request, request.user.auth_token_set.all(), "number", shown)

    @extend_schema(operation_id="accounts_tokens_destroy_all", responses={204: None})
    def delete(self, request: AuthenticatedRequest) -> Response:
        """Log out everywhere."""
        request.user.end_logins()
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenView(APIView):
    @extend_schema(responses={204: None})
    def delete(self, request: AuthenticatedRequest, number: int) -> Response:
        """Log one device out."""
        get_object_or_404(request.user.auth_token_set, number=number).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)
