"""What other people are to the caller, over REST."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from social import relationships
from social.api import paging
from social.api.requests import AuthenticatedRequest
from social.api.serializers import RelationshipSerializer

# As many ids as a page of a list has people. They have 18 digits at most: every one fits a bigint.
ID = "[1-9][0-9]{0,17}"
IDS = rf"\A{ID}(,{ID}){{0,{paging.PAGE - 1}}}\Z"


class IdsSerializer(serializers.Serializer[Any]):
    id = serializers.RegexField(
        IDS, help_text=f"The ids of 1 to {paging.PAGE} people, with commas between them."
    )


class RelationshipOfSerializer(RelationshipSerializer):
    example: ClassVar[dict[str, bool | int]] = {"id": 123, **RelationshipSerializer.example}
    id = serializers.IntegerField()


class RelationshipsSerializer(serializers.Serializer[Any]):
    example = {"results": [RelationshipOfSerializer.example]}
    results = RelationshipOfSerializer(many=True)


class RelationshipsView(APIView):
    """Read what several people are to you, in the order of the ids. A person who does not exist, or
    whom you may not see, is nobody to you; people whom you block are shown as such."""

    @extend_schema(parameters=[IdsSerializer], responses=RelationshipsSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        asked = IdsSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        ids = dict.fromkeys(map(int, asked.validated_data["id"].split(",")))
        found = relationships.read(request.user.pk, ids)
        results = [{"id": pk} | relation._asdict() for pk, relation in found.items()]
        return Response({"results": results})
