"""Starts and stops several servers at once, and reports each."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

from devtools.servers.process import ServerFailure
from devtools.servers.server import Server

Say = Callable[[str], object]


def side_by_side(servers: list[Server], act: Callable[[Server], str], say: Say) -> None:
    """Act on all servers at once, and report each when it is done.

    Raises a single ServerFailure for all that failed, after the others are done.
    """
    failures = []
    with ThreadPoolExecutor(max_workers=len(servers) or 1) as pool:
        running = {pool.submit(act, server): server for server in servers}
        for done in as_completed(running):
            try:
                say(done.result())
            except ServerFailure as failure:
                failures.append(str(failure))
            except OSError as error:  # a full disk, a directory that may not be written
                failures.append(f"{running[done].label}: {error}; fix that and try again")
    if failures:
        raise ServerFailure("\n".join(failures))


def bring_up(server: Server) -> str:
    begun, running = time.monotonic(), server.running
    server.start()
    version = server.wait_ready()
    took = "was running" if running else f"started in {time.monotonic() - begun:.1f} s"
    return ", ".join(filter(None, (f"{server.label:<11} {took}", server.address, version)))


def bring_down(server: Server) -> str:
    """Stop the server and return its line; empty if it was not running."""
    begun, pid = time.monotonic(), server.pid
    how = "stopped" if server.stop() else f"killed after {server.stop_limit:.0f} s of waiting"
    return f"{server.label:<11} {how} in {time.monotonic() - begun:.1f} s, pid {pid}" if pid else ""
