"""Serializers of requests and answers about accounts, passwords and tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as PasswordError
from django.core.mail.message import sanitize_address
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from rest_framework import serializers

from social import accounts, addresses, attempts, texts
from social.api.problems import WrongCredentials
from social.api.serializers import ALICE, OwnProfileSerializer, PersonSerializer, StrictSerializer
from social.api.texts import Line, NameField, ProfileField, Text, refuse_invisible
from social.languages import check_language
from social.lookalikes import NameRefusedError
from social.models import Profile, Token, User, unique_username

SECRET = "correct horse battery staple"
NEW_SECRET = "a quite different sentence"
# Characters. The limit bounds the time of hashing, which grows with the password.
PASSWORD_LENGTH = 128


def password_field() -> serializers.CharField:
    return serializers.CharField(write_only=True, max_length=PASSWORD_LENGTH, trim_whitespace=False)


# These two fields normalise before they validate, because normalising may make a text longer.
class UsernameField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        return accounts.normalized(super().to_internal_value(data))


class AddressField(serializers.EmailField):
    def to_internal_value(self, data: Any) -> str:
        address = User.objects.normalize_email(super().to_internal_value(data))
        try:
            # Encode the address as a mail's header will. That may fail, for example if a domain
            # label is too long once it is written in ASCII.
            if address:
                sanitize_address(address, "utf-8")
        except (ValueError, IndexError):
            self.fail("invalid")
        return address


@contextmanager
def password_checked() -> Iterator[None]:
    """Turn the errors of Django's password validators into errors of the field `password`."""
    try:
        yield
    except PasswordError as error:
        raise serializers.ValidationError({"password": error.messages}) from error


class RegistrationSerializer(StrictSerializer, serializers.ModelSerializer[User]):
    request_example = {"username": "alice", "email": "alice@example.com", "password": SECRET}
    example = ALICE | {"email": "", "new_email": "alice@example.com"}
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.CharField: UsernameField,
        models.EmailField: AddressField,
    }
    password = password_field()
    new_email = serializers.SerializerMethodField(
        help_text="The address that is not confirmed yet; null if there is none."
    )

    class Meta:
        model = User
        fields = ("id", "username", "email", "new_email", "password")
        read_only_fields = ("id",)

    def validate_username(self, name: str) -> str:
        refuse_invisible(name)
        return name

    def get_new_email(self, user: User) -> str | None:
        return addresses.unconfirmed(user)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = User(username=attrs["username"], email=attrs.get("email", ""))
        with password_checked():
            validate_password(attrs["password"], user)
        return attrs

    def create(self, validated_data: dict[str, Any]) -> User:
        try:
            with transaction.atomic():
                email = validated_data.pop("email", "")
                user = User.objects.create_user(**validated_data)
                if email:
                    addresses.request(user, email, now=timezone.now())
                return user
        except NameRefusedError as error:
            raise serializers.ValidationError(error.message_dict, code="lookalike") from error
        except IntegrityError as error:
            # Another request took the name after validation had looked for it.
            errors = {"username": [unique_username()]}
            raise serializers.ValidationError(errors, code="unique") from error


class LoginSerializer(StrictSerializer):
    example = {"username": "alice", "password": SECRET, "device": "phone"}
    username = UsernameField(max_length=150)
    password = password_field()
    device = NameField(default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        request = self.context["request"]._request
        with attempts.counted(request, attrs["username"]) as attempt:
            # For an unknown name Django hashes the password too, so that the time reveals nothing.
            user = authenticate(request, username=attrs["username"], password=attrs["password"])
            attempt.failed = user is None
        if user is None:
            raise WrongCredentials
        return attrs | {"user": user}


class LoginAnswerSerializer(serializers.Serializer[Any]):
    example = {"token": "3b6acca2…", "expires_at": "2026-04-15T10:30:00Z", "user": ALICE}
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    user = PersonSerializer()


class MeSerializer(OwnProfileSerializer):
    example = OwnProfileSerializer.example | {
        "language": "de",
        "time_zone": "Europe/Vienna",
        "email": "alice@example.com",
        "new_email": None,
    }
    language = serializers.CharField()
    time_zone = serializers.CharField()
    email = serializers.CharField(read_only=True)
    new_email = serializers.CharField(
        read_only=True,
        allow_null=True,
        help_text="The address that is not confirmed yet; null if there is none.",
    )


class LanguageField(serializers.CharField):
    def to_internal_value(self, data: str) -> str:
        return super().to_internal_value(data).lower()


class ProfileChangeSerializer(StrictSerializer, serializers.ModelSerializer[Profile]):
    example = {"display_name": "Alice A.", "bio": "Writes about birds.", "language": "de"}
    display_name = ProfileField(texts.NAME, Line())
    bio = ProfileField(texts.BIO, Text())
    language = LanguageField(
        max_length=20,
        allow_blank=True,
        validators=[check_language],
        help_text="A language tag, such as de or pt-br; empty: the language of the client.",
    )

    class Meta:
        model = Profile
        fields = ("display_name", "bio", "language", "time_zone")
        extra_kwargs = {
            "time_zone": {
                "help_text": "An IANA name. Quiet hours begin with it, and have their own then."
            }
        }


# Operations that cannot be undone need the password: a token may have been stolen.
class PasswordConfirmation(StrictSerializer):
    example = {"current_password": SECRET}
    current_password = password_field()

    def validate_current_password(self, password: str) -> str:
        request = self.context["request"]
        with attempts.counted(request._request, f"id:{request.user.pk}") as attempt:
            attempt.failed = not request.user.check_password(password)
        if attempt.failed:
            raise WrongCredentials("This is not your password.")
        return password


class PasswordChangeSerializer(PasswordConfirmation):
    example = {"current_password": SECRET, "password": NEW_SECRET}
    password = password_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        with password_checked():
            validate_password(attrs["password"], self.context["request"].user)
        return attrs


class EmailSerializer(PasswordConfirmation):
    example = PasswordConfirmation.example | {"email": "alice@example.com"}
    email = AddressField(max_length=254, allow_blank=True)


class ConfirmSerializer(StrictSerializer):
    example = {"token": "WzEsImFsaWNlQGV4YW1wbGUuY29tIl0:1vO…"}
    token = serializers.CharField(max_length=1_000)


class ForgottenSerializer(StrictSerializer):
    example = {"email": "alice@example.com"}
    email = AddressField(max_length=254)


class ResetSerializer(StrictSerializer):
    example = {"user_id": 123, "token": "d1ykq7-2f5c…", "password": NEW_SECRET}
    user_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    token = serializers.CharField(max_length=100)
    password = password_field()


class TokenSerializer(serializers.Serializer[Any]):
    example = {
        "id": 17,
        "name": "phone",
        "created_at": "2026-01-15T10:30:00Z",
        "expires_at": "2026-04-15T10:30:00Z",
        "last_used_at": "2026-01-15T10:31:00Z",
        "current": True,
    }
    id = serializers.IntegerField(source="number")
    name = serializers.CharField(help_text="The device's name, as it was given when logging in.")
    created_at = serializers.DateTimeField(source="created")
    expires_at = serializers.DateTimeField(source="expiry")
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="To the minute; null if the token has not been used yet."
    )
    current = serializers.SerializerMethodField(help_text="Whether this request uses this token.")

    def get_current(self, token: Token) -> bool:
        return bool(token == self.context["request"].auth)


class TokenPageSerializer(serializers.Serializer[Any]):
    example = {"results": [TokenSerializer.example], "next": None}
    results = TokenSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The next page; null on the last one.")
