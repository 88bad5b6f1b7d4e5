"""Types of command-line arguments: numbers within bounds and times, with clear errors."""

import argparse
import math
from collections.abc import Callable
from datetime import datetime, time

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

# The largest value of a bigint column.
LARGEST_ID = 2**63 - 1


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a converter to a whole number from `least` to `most`."""

    def convert(text: str) -> int:
        digits = text.removeprefix("-")
        # More digits exceed all bounds and are slow to convert.
        odd = not (digits.isascii() and digits.isdigit() and len(digits) < 20)
        if odd or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"give a whole number from {least:,} to {most:,}")
        return int(text)

    return convert


def number(least: float, most: float) -> Callable[[str], float]:
    """Return a converter to a number from `least` to `most`, which refuses NaN and infinity."""

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
    """Convert a date, or a date and time. The project's time zone applies if there is no offset."""
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
