"""The environment of a measurement, below .services/bench and made anew for each one."""

from contextlib import AbstractContextManager

from devtools.lab.private import PrivateEnvironment
from devtools.lab.progress import Progress


def opened(progress: Progress, **settings: str) -> AbstractContextManager[PrivateEnvironment]:
    """Open the environment; `settings` are variables for Connectify's processes. Raises
    ServerFailure."""
    return PrivateEnvironment("bench", **settings).open(progress.stage)
