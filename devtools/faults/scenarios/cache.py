"""Valkey dies and loses its data: nothing that counts may be stored there alone."""

import time

import redis

from devtools.faults.declaration import scenario
from devtools.faults.run import Run

DOWN_SECONDS = 5.0


@scenario(29, "Valkey SIGKILL and FLUSHALL under load", "pid killed; FLUSHALL answered")
def cache_dies(run: Run) -> None:
    server = run.valkey
    run.begin_load()
    with run.fault():
        with redis.Redis.from_url(server.url) as valkey:
            run.count("FLUSHALL", bool(valkey.flushall()))
        run.count("pids killed", bool(server.pid))
        server.kill()
        time.sleep(DOWN_SECONDS)
        run.bring_back(server)
