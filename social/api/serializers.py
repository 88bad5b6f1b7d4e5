"""What the API of the social core takes and gives. Unknown fields are refused."""

from django.contrib.auth import authenticate, password_validation
from django.core.exceptions import ValidationError as PasswordError
from rest_framework import serializers

from social.models import POST_LENGTH, User


class StrictSerializer(serializers.Serializer):
    """Refuses fields that it does not know or that the client may not set."""

    def to_internal_value(self, data):
        values = super().to_internal_value(data)
        writable = {name for name, field in self.fields.items() if not field.read_only}
        if unknown := set(data) - writable:
            raise serializers.ValidationError(
                {name: ["This field may not be set."] for name in sorted(unknown)}, code="unknown"
            )
        return values


class PersonSerializer(serializers.Serializer):
    id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(read_only=True)


class PostSerializer(StrictSerializer):
    id = serializers.IntegerField(read_only=True)
    author = PersonSerializer(read_only=True)
    content = serializers.CharField(max_length=POST_LENGTH, trim_whitespace=False)
    created_at = serializers.DateTimeField(read_only=True)
    edited_at = serializers.DateTimeField(read_only=True)

    def validate_content(self, content: str) -> str:
        if not content.strip():
            raise serializers.ValidationError("A post may not be blank.", code="blank")
        return content


class RegistrationSerializer(StrictSerializer, serializers.ModelSerializer):
    password = serializers.CharField(write_only=True, max_length=128, trim_whitespace=False)

    class Meta:
        model = User
        fields = ("id", "username", "email", "password")
        read_only_fields = ("id",)

    def validate(self, attrs: dict) -> dict:
        user = User(username=attrs["username"], email=attrs.get("email", ""))
        try:
            password_validation.validate_password(attrs["password"], user)
        except PasswordError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs

    def create(self, validated_data: dict) -> User:
        return User.objects.create_user(**validated_data)


class LoginSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=128, trim_whitespace=False)
    device = serializers.CharField(max_length=100, required=False, default="")

    def validate(self, attrs: dict) -> dict:
        user = authenticate(username=attrs["username"], password=attrs["password"])
        if user is None:
            raise serializers.ValidationError(
                "No account with this username and password.", code="credentials"
            )
        return attrs | {"user": user}


class LoginAnswerSerializer(serializers.Serializer):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user = PersonSerializer()
