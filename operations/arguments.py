"""Arguments of commands."""

from argparse import ArgumentTypeError

LARGEST_ID = 2**63 - 1


def row_id(text: str) -> int:
    """The id of a row that may exist; raises ArgumentTypeError, which argparse shows."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)):
        given = int(text)
        if 0 < given <= LARGEST_ID:
            return given
    raise ArgumentTypeError(f"{text[:30]!r} is no id: give a whole number from 1 to {LARGEST_ID}")
