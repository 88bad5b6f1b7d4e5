"""Reading settings from environment variables.

Guarantee: a value out of bounds stops the process when it starts, before it can delete rows for
example. The error contains the variable's name, its value and the allowed values. Values are not
expanded: "$HOME" stays these five characters.
"""

from datetime import timedelta
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)
NOT_SET = environ.Env.NOTSET
# A process must be given each of these, or be told by WITHOUT that it works without it.
SECRETS = ("SECRET_KEY", "DATABASE_URL", "BROKER_URL", "REDIS_URL", "VAPID_PRIVATE_KEY")
TRUE, FALSE = ("1", "true", "yes", "y", "on"), ("0", "false", "no", "n", "off", "")
# 32 hexadecimal digits are 128 bits. Even the worst of a billion random keys of that length has 8
# different digits.
KEY_LENGTH, KEY_CHARACTERS = 32, 8
# At most a hundred years, which can be subtracted from any date in Python and PostgreSQL.
DAYS = (1, 36_500)


class Environment(environ.Env):  # type: ignore[misc]  # It has no types.
    def get_value(
        self, var: str, cast: Any = None, default: Any = NOT_SET, parse_default: object = False
    ) -> Any:
        """Return the variable's value, cast, or the default unchanged. Raises ImproperlyConfigured
        if there is neither.

        Overridden because the original takes "$NAME" for a reference to another variable.
        """
        text = self.ENVIRON.get(var)
        if text is not None:
            return self.parse_value(text, cast)
        if default is NOT_SET:
            raise ImproperlyConfigured(f"{var} is not set")
        return default

    def given(self, name: str) -> bool:
        """Return False if this process is to work without this one of the SECRETS. Raises
        ImproperlyConfigured if nobody said so and it is not set."""
        without = self.list("WITHOUT", default=[])
        if unknown := sorted(set(without) - set(SECRETS)):
            known = ", ".join(SECRETS)
            raise ImproperlyConfigured(f"WITHOUT has {unknown[0]!r}; allowed are {known}")
        if name in without:
            return False
        if name not in self:
            hint = 'on your own machine: bin/services up; eval "$(bin/services env)"'
            raise ImproperlyConfigured(f"{name} is not set ({hint})")
        return True

    def bool(self, var: str, default: bool) -> bool:
        text: str | None = self.ENVIRON.get(var)
        if text is None:
            return default
        if text.lower() not in (*TRUE, *FALSE):
            raise ImproperlyConfigured(f"{var} is {text!r}; it must be 1 or 0")
        return text.lower() in TRUE

    def key(self, name: str) -> str:
        """Return a secret that must be hard to guess. No error message contains it."""
        text: str = self.get_value(name)
        repeated = any(text.startswith(text[at:]) for at in range(1, len(text) // 2 + 1))
        # Django's prefix for keys that it writes into a new project.
        known = text.startswith("django-insecure-")
        if len(text) < KEY_LENGTH or len(set(text)) < KEY_CHARACTERS or repeated or known:
            hint = "python -c 'import secrets; print(secrets.token_urlsafe(50))'"
            raise ImproperlyConfigured(
                f"{name} can be guessed: give at least {KEY_LENGTH} random characters ({hint})"
            )
        return text

    def number(self, name: str, default: Number, bounds: tuple[Number, Number]) -> Number:
        """Return the variable as a number of the default's type, within the inclusive bounds."""
        text = self.ENVIRON.get(name)
        return default if text is None else _number(name, text, bounds, type(default))

    def days(self, name: str, default: int) -> timedelta:
        return timedelta(days=self.number(name, default, DAYS))

    def counts(self, name: str, default: dict[str, int], bounds: tuple[int, int]) -> dict[str, int]:
        """Return a variable such as `this=1;that=2` as a dict. Only the default's keys are allowed;
        keys that the variable leaves out are absent."""
        text = self.ENVIRON.get(name)
        if text is None:
            return default
        found = {}
        for part in filter(None, text.split(";")):
            key, _, value = part.partition("=")
            if key not in default:
                known = ", ".join(default)
                raise ImproperlyConfigured(f"{name} has {key!r}; allowed are {known}")
            found[key] = _number(f"{key} in {name}", value, bounds, int)
        return found


def _number(name: str, text: str, bounds: tuple[Number, Number], kind: type[Number]) -> Number:
    least, most = bounds
    value: Number | None
    try:
        value = kind(text)
    except ValueError:
        value = None
    # The comparison also refuses NaN.
    if value is None or not least <= value <= most:
        what = "a whole number" if kind is int else "a number"
        raise ImproperlyConfigured(f"{name} is {text!r}; it must be {what} from {least} to {most}")
    return value
