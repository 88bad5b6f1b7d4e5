"""Valkey dies and forgets: nothing that counts may live there."""

import time

import redis

from devtools.faults.declaration import row
from devtools.faults.scene import Scene

DOWN_SECONDS = 5.0


@row(29, "Valkey SIGKILL and FLUSHALL under load", "pid killed; FLUSHALL answered")
def cache_dies(scene: Scene) -> None:
    server = scene.house.valkey
    scene.begin_load()
    with scene.fault():
        with redis.Redis.from_url(server.url) as valkey:
            scene.count("FLUSHALL", bool(valkey.flushall()))
        scene.count("pids killed", bool(server.pid))
        server.kill()
        time.sleep(DOWN_SECONDS)
        scene.bring_back(server)
