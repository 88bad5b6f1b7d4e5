"""Clocks that are wrong, by libfaketime (Debian's package faketime)."""

import os
import time
from pathlib import Path

from faults.declaration import row
from faults.failure import Skipped
from faults.scene import Scene

PLACES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")
SKEWS = ("+1h", "-1h", "+1d", "-1d")
SKEWED = ("relay", "timelines-worker")
SKEW_SECONDS = 4.0


def library() -> Path:
    """FAKETIME_LIBRARY names one that lies elsewhere."""
    given = os.environ.get("FAKETIME_LIBRARY")
    places = (path for place in PLACES for path in Path("/").glob(place.lstrip("/")))
    found = Path(given) if given else next(places, None)
    if found is None or not found.exists():
        raise Skipped("libfaketime is not installed (Debian: apt-get install faketime)")
    return found


@row(31, "the clock of relay and worker an hour, a day off", "clocks set wrong", limit=150)
def wrong_clocks(scene: Scene) -> None:
    faked = {"LD_PRELOAD": str(library()), "DONT_FAKE_MONOTONIC": "1"}
    scene.begin_load(rate=5)
    with scene.fault():
        for skew in SKEWS:
            for name in SKEWED:
                scene.dress(name, **faked, FAKETIME=skew)
                scene.count("clocks set wrong")
            time.sleep(SKEW_SECONDS)
        scene.undress(*SKEWED)
