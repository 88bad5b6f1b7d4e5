"""Reading what differs between machines from the environment.

Guarantee: a number that makes no sense stops the process as it starts, with the variable's name,
its value and what may stand there; none is found out later, by rows that are gone. A value is taken
as it is: $HOME is these five characters.
"""

from datetime import timedelta
from typing import TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)
NOT_SET = environ.Env.NOTSET
TRUE, FALSE = ("1", "true", "yes", "y", "on"), ("0", "false", "no", "n", "off", "")
# 128 bits as hexadecimal digits, of which the least lucky of a billion keys has 8 different ones.
KEY_LENGTH, KEY_CHARACTERS = 32, 8
# A hundred years, which every date of Python and PostgreSQL can be moved by.
DAYS = (1, 36_500)


class Environment(environ.Env):
    def get_value(self, var, cast=None, default=NOT_SET, parse_default=False):
        """The variable, cast, or the default as it is. Raises ImproperlyConfigured for neither.

        What it stands in for takes a value that begins with a dollar sign for another variable's.
        """
        text = self.ENVIRON.get(var)
        if text is not None:
            return self.parse_value(text, cast)
        if default is NOT_SET:
            raise ImproperlyConfigured(f"{var} is not set")
        return default

    def bool(self, var: str, default: bool) -> bool:
        text = self.ENVIRON.get(var)
        if text is None:
            return default
        if text.lower() not in (*TRUE, *FALSE):
            raise ImproperlyConfigured(f"{var} is {text!r}; it must be 1 or 0")
        return text.lower() in TRUE

    def key(self, name: str) -> str:
        """A secret that others must not guess. It stands in no message."""
        text = self.get_value(name)
        repeated = any(text.startswith(text[at:]) for at in range(1, len(text) // 2 + 1))
        # Django's mark of a key that stands in a repository.
        known = text.startswith("django-insecure-")
        if len(text) < KEY_LENGTH or len(set(text)) < KEY_CHARACTERS or repeated or known:
            hint = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
            raise ImproperlyConfigured(
                f"{name} can be guessed: give at least {KEY_LENGTH} random characters ({hint})"
            )
        return text

    def number(self, name: str, default: Number, bounds: tuple[Number, Number]) -> Number:
        """The variable as a number of the default's type, within the bounds, which are included."""
        text = self.ENVIRON.get(name)
        return default if text is None else _number(name, text, bounds, type(default))

    def days(self, name: str, default: int) -> timedelta:
        return timedelta(days=self.number(name, default, DAYS))

    def counts(self, name: str, default: dict[str, int], bounds: tuple[int, int]) -> dict[str, int]:
        """The variable as `this=1;that=2`, of the default's keys. Those left out are absent."""
        text = self.ENVIRON.get(name)
        if text is None:
            return default
        found = {}
        for part in filter(None, text.split(";")):
            key, _, value = part.partition("=")
            if key not in default:
                known = ", ".join(default)
                raise ImproperlyConfigured(f"{name} has {key!r}, which is none of {known}")
            found[key] = _number(f"{key} in {name}", value, bounds, int)
        return found


def _number(name: str, text: str, bounds: tuple, kind: type):
    least, most = bounds
    try:
        value = kind(text)
    except ValueError:
        value = None
    # What is no number at all (NaN) is between nothing.
    if value is None or not least <= value <= most:
        what = "a whole number" if kind is int else "a number"
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be {what} from {least} to {most}")
    return value
