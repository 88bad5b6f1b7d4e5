"""Watches a run: peaks, redeliveries, and when delivery is current again."""

import threading
import time
from contextlib import suppress

import psycopg2

from devtools.faults.environment import FaultsEnvironment
from devtools.lab.database import query
from devtools.lab.records import newest_post, pending
from devtools.servers.proc import resident_bytes

POLL_SECONDS = 0.25
SLOW_POLLS = 4  # The broker and the processes are polled every fourth time.

# A row that is missing for a post up to a given one and a user who followed before the post. The
# newest posts are checked first, because they lack rows longest; checking all posts four times a
# second would take too much of the machine.
BEHIND = """
    SELECT post.id FROM social_post post
    JOIN social_follow follow ON follow.followee_id = post.author_id
         AND follow.created_at < post.created_at
    WHERE post.id <= %(last)s AND post.id > %(expired)s
      AND NOT EXISTS (SELECT FROM social_mute WHERE muter_id = follow.follower_id
                                                AND muted_id = follow.followee_id)
      AND NOT EXISTS (SELECT FROM timelines_timelineentry
                      WHERE owner_id = follow.follower_id AND post_id = post.id)
    ORDER BY post.id DESC LIMIT 1
"""
GONE = (psycopg2.Error, OSError)


class Watch:
    """`rss_peak` is in bytes and covers all of our processes together. `current_after` is the
    number of seconds from the fault's end until every post accepted before that end was in its
    followers' timelines; None before that."""

    def __init__(self, environment: FaultsEnvironment):
        self.outbox_peak = self.queue_peak = self.rss_peak = 0
        self.redeliveries = 0
        self.current_after: float | None = None
        # Posts up to this id have lost their rows by retention.
        self.expired = 0
        self._environment = environment
        self._broker = environment.broker
        self._processes = environment.processes
        self._connection = None
        self._ended_at: float | None = None
        self._last_post: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> "Watch":
        with suppress(OSError):
            self._broker.forget()
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        if self._connection:
            self._connection.close()

    def fault_ended(self, at: float) -> None:
        """May be called again if there are several faults."""
        self.current_after, self._last_post, self._ended_at = None, None, at

    def _run(self) -> None:
        polls = 0
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._ask_database()
            except GONE:
                self._connection = None
            if polls % SLOW_POLLS == 0:
                with suppress(*GONE):
                    self._ask_broker()
                self.rss_peak = max(self.rss_peak, self._rss())
            polls += 1

    def _ask_database(self) -> None:
        if self._connection is None:
            self._connection = self._environment.connect()
        waiting = pending(self._connection)
        self.outbox_peak = max(self.outbox_peak, waiting)
        if self._ended_at is None or self.current_after is not None:
            return
        if self._last_post is None:
            self._last_post = newest_post(self._connection)
        given = {"last": self._last_post, "expired": self.expired}
        if not query(self._connection, BEHIND, given):
            self.current_after = time.monotonic() - self._ended_at

    def _ask_broker(self) -> None:
        self.redeliveries = max(self.redeliveries, self._broker.redelivered())
        self.queue_peak = max(self.queue_peak, sum(self._broker.depths().values()))

    def _rss(self) -> float:
        own = [pid for name in self._processes.table if (pid := self._processes.pid(name))]
        return sum(map(resident_bytes, own))
