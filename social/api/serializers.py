"""Serializers of requests and answers about people and posts. Unknown fields are refused."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.settings import api_settings

from social.api.texts import Text
from social.models import POST_LENGTH

JSON_TYPES = (
    (serializers.BooleanField, bool),
    (serializers.IntegerField, int),
    ((serializers.CharField, serializers.ChoiceField, serializers.TimeField), str),
)


# Refuses fields that are unknown or that a client may not set, and values of another JSON type,
# such as 5 for "5": we store exactly what was sent. (Not a docstring, because the OpenAPI document
# would repeat it for each serializer that inherits it.)
class StrictSerializer(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            # A PATCH without any field has nothing to change.
            if self.partial and not data:
                errors = {api_settings.NON_FIELD_ERRORS_KEY: ["Give at least one field."]}
                raise serializers.ValidationError(errors, code="required")
            fields = self.fields
            writable = {name for name, field in fields.items() if not field.read_only}
            if unknown := data.keys() - writable:
                errors = {name: ["This field may not be set."] for name in sorted(unknown)}
                raise serializers.ValidationError(errors, code="unknown")
            ill_typed = [name for name in data if not _has_its_type(data[name], fields[name])]
            if ill_typed:
                errors = {name: ["This is not of the field's type."] for name in ill_typed}
                raise serializers.ValidationError(errors, code="type")
        return super().to_internal_value(data)


def _has_its_type(value: object, field: serializers.Field[Any, Any, Any, Any]) -> bool:
    """Whether a JSON value has the field's type. The field itself checks null."""
    wanted = next((kind for fields, kind in JSON_TYPES if isinstance(field, fields)), None)
    return wanted is None or value is None or type(value) is wanted


ALICE = {"id": 123, "username": "alice"}
NEXT = "https://connectify.example/api/v1/blocks/?cursor=NDU2%3A3xQ0"


class PersonSerializer(serializers.Serializer[Any]):
    example = ALICE
    id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(read_only=True)


class PostSerializer(StrictSerializer):
    example = {
        "id": 789,
        "author": ALICE,
        "content": "Hello world!",
        "created_at": "2026-01-15T10:30:00Z",
        "edited_at": None,
    }
    id = serializers.IntegerField(read_only=True)
    author = PersonSerializer(read_only=True)
    content = serializers.CharField(
        max_length=POST_LENGTH,
        trim_whitespace=False,
        validators=[Text()],
    )
    created_at = serializers.DateTimeField(read_only=True)
    edited_at = serializers.DateTimeField(read_only=True, allow_null=True)


class RelationshipSerializer(serializers.Serializer[Any]):
    example: ClassVar[dict[str, bool | int]] = {
        "following": True,
        "followed_by": False,
        "muting": False,
        "blocking": False,
        "notify": True,
    }
    following = serializers.BooleanField(help_text="Whether you follow them.")
    followed_by = serializers.BooleanField(help_text="Whether they follow you.")
    muting = serializers.BooleanField(help_text="Whether you mute them.")
    blocking = serializers.BooleanField(help_text="Whether you block them.")
    notify = serializers.BooleanField(
        help_text="Whether their posts may be pushed to you: you follow them, do not mute them and"
        " have not turned off pushes of their posts."
    )


class OwnProfileSerializer(PersonSerializer):
    example = ALICE | {
        "display_name": "Alice A.",
        "bio": "Writes about birds.",
        "joined_at": "2026-01-01T09:00:00Z",
        "followers": 1000,
        "following": 200,
    }
    display_name = serializers.CharField(help_text="Empty: the username serves.")
    bio = serializers.CharField()
    joined_at = serializers.DateTimeField()
    followers = serializers.IntegerField()
    following = serializers.IntegerField()


class ProfileSerializer(OwnProfileSerializer):
    example = OwnProfileSerializer.example | {"relationship": RelationshipSerializer.example}
    relationship = RelationshipSerializer(
        allow_null=True, help_text="What this person is to you; null if it is you."
    )


class PersonPageSerializer(serializers.Serializer[Any]):
    example = {"results": [ALICE], "next": NEXT}
    results = PersonSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")


class PostPageSerializer(serializers.Serializer[Any]):
    example = {"results": [PostSerializer.example], "next": None}
    results = PostSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
