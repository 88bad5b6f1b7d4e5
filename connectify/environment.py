"""Reading what differs between machines from the environment.

Guarantee: a number that makes no sense stops the process as it starts, with the variable's name,
its value and what may stand there; none is found out later, by rows that are gone.
"""

from datetime import timedelta
from typing import TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

Number = TypeVar("Number", int, float)
# A hundred years, which every date of Python and PostgreSQL can be moved by.
DAYS = (1, 36_500)


class Environment(environ.Env):
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
