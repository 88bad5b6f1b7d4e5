"""Fields of text that people write, as social/texts.py has them. The description's patterns say as
much as one can: balance, and the rarest blanks, are judged by the server alone."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from rest_framework import serializers

from social.texts import BLANK, HARMFUL, HARMFUL_IN_LINE, is_balanced, is_blank, is_harmful


class Text(RegexValidator):
    """Of a post: it may have many lines."""

    harmful, line = HARMFUL, False

    def __init__(self) -> None:
        whole = f"[^{self.harmful}]*"
        super().__init__(f"^{whole}[^{self.harmful}{BLANK}]{whole}$")

    def __call__(self, value: str) -> None:
        if is_harmful(value, line=self.line):
            message = "Control characters and changes of direction without an end are not taken."
            raise ValidationError(message, code="control_characters")
        if not is_balanced(value):
            message = "Every isolate (U+2066 to U+2068) needs its end (U+2069)."
            raise ValidationError(message, code="unbalanced")
        if is_blank(value):
            raise ValidationError("Nobody would see anything of this.", code="blank")


class Line(Text):
    """Of a name."""

    harmful, line = HARMFUL_IN_LINE, True


NAME_LENGTH = 100


# What one calls a device; the empty name is none. (A docstring would stand in the description.)
class NameField(serializers.CharField):
    def __init__(self, **options) -> None:
        super().__init__(max_length=NAME_LENGTH, allow_blank=True, validators=[Line()], **options)


def shows_all_of_itself(name: str) -> None:
    """A validator of what others must be able to type: it has nothing invisible."""
    if any(map(is_blank, name)):
        raise ValidationError("A name has no invisible characters.", code="invisible")
