"""Clocks that are wrong, by libfaketime (Debian's package faketime)."""

import os
import time
from pathlib import Path

from faults.database import query
from faults.declaration import row
from faults.failure import Skipped
from faults.scene import Scene

# The build for programs with threads.
PLACES = ("usr/lib/*/faketime/libfaketimeMT.so.1", "usr/lib*/faketime/libfaketimeMT.so.1")
SKEWS = ("+1h", "-1h", "+1d", "-1d")
SKEWED = ("relay", "timelines-worker")
SKEW_SECONDS = 4.0
# A slice bears the time of the worker that wrote it, a post that of the web server.
DATED_WRONG = """
    SELECT count(*) FROM timelines_slicerecord slice JOIN social_post post ON post.id = post_id
    WHERE abs(extract(epoch FROM slice.written_at - post.created_at)) > 1800
"""


def library() -> Path:
    """FAKETIME_LIBRARY names one that lies elsewhere."""
    given = os.environ.get("FAKETIME_LIBRARY")
    places = (path for place in PLACES for path in Path("/").glob(place))
    found = Path(given) if given else next(places, None)
    if found is None or not found.exists():
        raise Skipped("libfaketime is not installed (Debian: apt-get install faketime)")
    return found


@row(31, "the clock of relay and worker an hour, a day off", "slices dated wrong", limit=150)
def wrong_clocks(scene: Scene) -> None:
    faked = {"LD_PRELOAD": str(library()), "DONT_FAKE_MONOTONIC": "1"}
    scene.begin_load(rate=5)
    with scene.fault():
        for skew in SKEWS:
            for name in SKEWED:
                scene.dress(name, **faked, FAKETIME=skew)
            time.sleep(SKEW_SECONDS)
        scene.undress(*SKEWED)
    scene.count("slices dated wrong", query(scene.sql(), DATED_WRONG)[0][0])
