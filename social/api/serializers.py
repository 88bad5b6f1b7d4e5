"""What the API takes and gives of people and posts. Unknown fields are refused."""

from rest_framework import serializers

from social.models import POST_LENGTH


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know or that the client may not set."""

    def to_internal_value(self, data):
        writable = {name for name, field in self.fields.items() if not field.read_only}
        if isinstance(data, dict) and (unknown := data.keys() - writable):
            raise serializers.ValidationError(
                {name: ["This field may not be set."] for name in sorted(unknown)}, code="unknown"
            )
        return super().to_internal_value(data)


class PersonSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(read_only=True)


class PostSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    author = PersonSerializer(read_only=True)
    content = serializers.CharField(max_length=POST_LENGTH, trim_whitespace=False)
    created_at = serializers.DateTimeField(read_only=True)
    edited_at = serializers.DateTimeField(read_only=True, allow_null=True)

    def validate_content(self, content: str) -> str:
        if not content.strip():
            raise serializers.ValidationError("A post may not be blank.", code="blank")
        return content


class ProfileSerializer(PersonSerializer):
    joined_at = serializers.DateTimeField()
    followers = serializers.IntegerField()
    following = serializers.IntegerField()


class PersonPageSerializer(serializers.Serializer):
    results = PersonSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next page.")


class PostPageSerializer(serializers.Serializer):
    results = PostSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next page.")
