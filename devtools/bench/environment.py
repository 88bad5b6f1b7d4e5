"""The environment of a measurement: below .services/bench, made anew for each."""

from contextlib import AbstractContextManager

from devtools.lab.private import PrivateEnvironment
from devtools.lab.progress import Progress


def opened(progress: Progress, **settings: str) -> AbstractContextManager[PrivateEnvironment]:
    """`settings` are variables that Connectify's processes run with. Raises ServerFailure."""
    return PrivateEnvironment("bench", **settings).open(progress.stage)
