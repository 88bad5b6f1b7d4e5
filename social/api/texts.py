"""Validators and fields for texts that people write, by the rules of social/texts.py. The OpenAPI
document has them as patterns, which cannot express balance and leave out the rarest blanks."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from rest_framework import serializers

from social.texts import (
    BLANK,
    HARMFUL,
    HARMFUL_IN_LINE,
    Length,
    is_balanced,
    is_blank,
    is_harmful,
    is_longer,
)


class Text(RegexValidator):
    """Validator of a post's text, which may have many lines."""

    harmful, line = HARMFUL, False

    def __init__(self) -> None:
        whole = f"[^{self.harmful}]*"
        super().__init__(f"^{whole}[^{self.harmful}{BLANK}]{whole}$")

    def __call__(self, value: str) -> None:
        if is_harmful(value, line=self.line):
            message = "Control characters and unbounded changes of direction are not allowed."
            raise ValidationError(message, code="control_characters")
        if not is_balanced(value):
            message = "Every isolate (U+2066 to U+2068) needs its end (U+2069)."
            raise ValidationError(message, code="unbalanced")
        if is_blank(value):
            raise ValidationError("This has no visible character.", code="blank")


class Line(Text):
    """Validator of a name, which is a single line."""

    harmful, line = HARMFUL_IN_LINE, True


class AtMost:
    """Validator of a text's length in characters as people see them."""

    def __init__(self, length: Length) -> None:
        self.length = length

    def __call__(self, value: str) -> None:
        if is_longer(value, self.length):
            message = f"This has more than {self.length.characters} characters."
            raise ValidationError(message, code="max_length")


NAME_LENGTH = 100


# A device's name; an empty one means no name. (Not a docstring: the OpenAPI document would show
# it.)
class NameField(serializers.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=NAME_LENGTH, allow_blank=True, validators=[Line()], **options)


# A text about oneself, or none. (Not a docstring: see NameField.)
class ProfileField(serializers.CharField):
    def __init__(self, length: Length, validator: Text, **options: Any) -> None:
        super().__init__(
            max_length=length.code_points,
            allow_blank=True,
            validators=[validator, AtMost(length)],
            help_text=f"At most {length.characters} characters as people see them.",
            **options,
        )


def refuse_invisible(name: str) -> None:
    """Validate a name that others must be able to type: it must have no invisible characters."""
    if any(map(is_blank, name)):
        raise ValidationError("A name may not have invisible characters.", code="invisible")
