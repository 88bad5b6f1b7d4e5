"""The numbers and times that an operator may type: argument types with bounds and a clear error."""

import argparse
import math
from collections.abc import Callable
from datetime import datetime, time

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

# What a bigint column holds.
LARGEST_ID = 2**63 - 1


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number within the bounds, both included."""

    def convert(text: str) -> int:
        digits = text.removeprefix("-")
        # Longer ones are out of all bounds, and slow to convert.
        odd = not (digits.isascii() and digits.isdigit() and len(digits) < 20)
        if odd or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"give a whole number from {least:,} to {most:,}")
        return int(text)

    return convert


def number(least: float, most: float) -> Callable[[str], float]:
    """A number within the bounds, both included; neither NaN nor infinity."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"give a number from {least:g} to {most:,}")
        return value

    return convert


def moment(text: str) -> datetime:
    """A date, or a date and time; without an offset in the project's time zone."""
    try:
        found = parse_datetime(text)
        if found is None and (day := parse_date(text)):
            found = datetime.combine(day, time())
        if found is None:
            raise ValueError
        return make_aware(found) if is_naive(found) else found
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            "give a time as 2026-01-31 or 2026-01-31T12:00:00+00:00"
        ) from error
