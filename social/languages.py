"""Languages by their tags, such as "de" or "pt-br"."""

from django.conf import settings
from django.core.exceptions import ValidationError


def check_language(tag: str) -> None:
    """Raises ValidationError unless it is the tag of a language in LANGUAGES, in lower case."""
    if tag not in dict(settings.LANGUAGES):
        raise ValidationError("This is not a known language.", code="language")
