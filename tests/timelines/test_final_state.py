"""Whatever people do, and in whatever order events and tasks are handled, some of them twice: in
the end every timeline shows what it would show if all had been handled at once and in order."""

import inspect
import json
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from django.conf import settings
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as profile

from celery_app import app
from events.models import OutboxEvent
from events.registry import decode_event, subscribers
from fanout import ledger, partitions, retention
from fanout.models import Horizon
from social import posts, relations
from social.models import Post, User
from tests.timelines.history import History
from timelines import backfill, dormancy, forward, reading, tasks, watermark
from timelines.models import FanOut, Reader, SliceRecord, TimelineEntry

FIRST_POSTS = 2
PAGE = 2
KEEP = timedelta(days=5)

# The steps, with their relative frequencies.
WEIGHTS = {
    "publish": 4,
    "delete": 1,
    "follow": 1,
    "unfollow": 1,
    "follow_anew": 1,
    "mute": 1,
    "unmute": 1,
    "block_for_a_while": 1,
    "be_blocked_for_a_while": 1,
    "read": 2,
    "stay_away": 2,
    "begin_to_read_forward": 1,
    "read_forward": 3,
    "work": 12,
    "work_again": 2,
    "wake": 1,
    "raise_watermark": 1,
    "repair": 1,
    "expire": 1,
}
WEIGHTED = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
# (step, author, reader, which post or job).
STEPS = st.lists(
    st.tuples(
        st.sampled_from(WEIGHTED),
        st.integers(0, 1),
        st.integers(2, 3),
        st.integers(0, 1_000),
    ),
    min_size=40,
    max_size=70,
)


class Simulation:
    """Two authors, two readers, and the jobs that wait; a day passes with each post."""

    def __init__(self, broker):
        self.channel = broker.channel()
        names = ("alice", "dave", "bob", "carol")
        self.people = [User.objects.create(username=name, password="!") for name in names]
        self.now = datetime(2026, 1, 15, tzinfo=UTC)
        self.collected = 0  # The outbox row up to which events were collected.
        self.waiting, self.done = [], []
        self.history = History(FIRST_POSTS)
        # By reader: since when they read forward, their position, and the posts they were given.
        self.clients: dict[int, tuple[int, forward.Position, list[int]]] = {}

    # --- what people do --------------------------------------------------------------------------

    def prepare(self):
        for reader, author in ((2, 0), (2, 1), (3, 0)):
            self.follow(reader, author)
        for author in (0, 1, 0, 1, 0):
            self.publish(author)
        # Both readers have their timelines open from the beginning, before any row is written.
        for reader in self.people[2:]:
            self.begin_to_read_forward(reader.pk)

    def run_steps(self, steps):
        for name, author, reader, which in steps:
            step = getattr(self, name)
            names = inspect.signature(step).parameters
            values = {"author": author, "reader": reader, "which": which}
            values["owner"] = self.people[reader].pk
            step(**{name: values[name] for name in names})

    def publish(self, author):
        self.now += timedelta(days=1)
        post = posts.publish(self.people[author], "hi", now=self.now)
        self.history.publish(self.people[author].pk, post.pk)

    def delete(self, which):
        for pk in pick(sorted(self.history.live), which):
            posts.delete(Post.objects.get(pk=pk), now=self.now)
            self.history.live.remove(pk)

    def follow(self, reader, author):
        relations.follow(self.people[reader], self.people[author], now=self.now)
        self.history.follow(self.people[reader].pk, self.people[author].pk)

    def unfollow(self, reader, author):
        relations.unfollow(self.people[reader], self.people[author])
        self.history.unfollow(self.people[reader].pk, self.people[author].pk)

    def follow_anew(self, reader, author):
        self.unfollow(reader, author)
        self.follow(reader, author)

    def block_for_a_while(self, reader, author):
        relations.block(self.people[reader], self.people[author], now=self.now)
        relations.unblock(self.people[reader], self.people[author])
        self.history.unfollow(self.people[reader].pk, self.people[author].pk)

    def be_blocked_for_a_while(self, reader, author):
        relations.block(self.people[author], self.people[reader], now=self.now)
        relations.unblock(self.people[author], self.people[reader])
        self.history.unfollow(self.people[reader].pk, self.people[author].pk)

    def mute(self, reader, author):
        relations.mute(self.people[reader], self.people[author], now=self.now)
        self.history.mute(self.people[reader].pk, self.people[author].pk, True)

    def unmute(self, reader, author):
        relations.unmute(self.people[reader], self.people[author])
        self.history.mute(self.people[reader].pk, self.people[author].pk, False)

    def stay_away(self, owner):
        Reader.objects.update_or_create(
            owner_id=owner, defaults={"seen_at": self.now - settings.TIMELINE_DORMANT_AFTER * 2}
        )
        dormancy.put_to_sleep(now=self.now)

    def read(self, owner):
        """Whatever is still to be handled, the timeline shows no post that it must not show."""
        dormancy.note_visit(owner, reading.state(owner).seen_at, now=self.now)
        shown = self.pages(owner)
        assert shown == sorted(set(shown), reverse=True)
        assert set(shown) <= set(self.history.shown(owner))

    def begin_to_read_forward(self, owner):
        known = reading.state(owner)
        at = forward.position(owner, known, reading.older(owner, known, size=PAGE))
        self.clients[owner] = (next(self.history.clock), at, self.pages(owner))

    def read_forward(self, owner):
        if owner not in self.clients:
            self.begin_to_read_forward(owner)
        since, at, given = self.clients[owner]
        page, at = forward.newer(owner, reading.state(owner), at, PAGE)
        new = [post.pk for post in page.posts]
        assert not set(new) & set(given)
        self.clients[owner] = (since, at, given + new)

    # --- what workers and periodic tasks do ------------------------------------------------------

    def work(self, which):
        self.collect()
        for job in pick(self.waiting, which):
            self.waiting.remove(job)
            job()
            self.done.append(job)

    def work_again(self, which):
        for job in pick(self.done, which):
            job()

    def wake(self):
        dormancy.wake_returned()

    def raise_watermark(self):
        watermark.raise_(now=self.now)

    def repair(self):
        late = self.now + ledger.LATE * 2
        horizon = partitions.horizon(backfill.TABLE)
        for slice_ in ledger.late(FanOut, SliceRecord, now=late, oldest=horizon):
            self.waiting.append(lambda slice_=slice_: tasks.write_slices(slices=[slice_]))

    def expire(self):
        """What retention.expire does, which refuses to run inside a transaction."""
        horizon = retention.expiring(backfill.TABLE, KEEP, now=self.now)
        Horizon.objects.update_or_create(table_name=backfill.TABLE, defaults={"post_id": horizon})
        for name, _, end in partitions.named_bounds(backfill.TABLE):
            if end <= horizon:
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP TABLE {name}")

    # --- how the test runs them ------------------------------------------------------------------

    def collect(self):
        """Add the events that were recorded since last time to the waiting jobs."""
        subscriber = subscribers["timelines"]
        for row in OutboxEvent.objects.filter(pk__gt=self.collected).order_by("pk"):
            self.collected = row.pk
            if row.routing_key in subscriber.handlers:
                event = decode_event(bytes(row.body), "application/json")
                handler = subscriber.handler(row.routing_key)
                self.waiting.append(
                    lambda event=event, handler=handler: self.handle(handler, event)
                )

    def handle(self, handler, event):
        handler([event])
        for lane in (tasks.HIGH, tasks.LOW):
            while message := self.channel.basic_get(lane, no_ack=True):
                task = app.tasks[message.headers["task"]]
                kwargs = json.loads(message.body)[1]
                self.waiting.append(lambda task=task, kwargs=kwargs: self.run(task, kwargs))

    def run(self, task, kwargs):
        task(**kwargs)
        for follower, author in kwargs.get("pairs", ()):
            self.history.fill(follower, author)

    def settle(self):
        self.collect()
        while self.waiting:
            self.waiting.pop(0)()
            self.collect()
        for reader in self.people[2:]:
            dormancy.note_visit(reader.pk, reading.state(reader.pk).seen_at, now=self.now)
        self.wake()
        self.raise_watermark()
        for reader in self.people[2:]:
            assert self.pages(reader.pk) == self.history.shown(reader.pk)
            self.check_rows(reader.pk)
        for owner in self.clients:
            for _ in range(len(self.history.posts) + 1):
                self.read_forward(owner)
            since, _, given = self.clients[owner]
            assert self.history.news(owner, since) <= set(given)

    def check_rows(self, owner):
        """Every post that is shown has a row, unless it has expired. All rows are of live posts by
        authors whom the owner follows; some may stem from an earlier follow of that author."""
        rows = set(TimelineEntry.objects.filter(owner=owner).values_list("post_id", flat=True))
        horizon = partitions.horizon(backfill.TABLE)
        assert all(first >= horizon for first, _ in partitions.bounds(backfill.TABLE))
        shown = {pk for pk in self.history.shown(owner) if pk >= horizon}
        assert shown <= rows
        followed = {author for follower, author in self.history.follows if follower == owner}
        assert all(pk in self.history.live for pk in rows)
        assert {self.history.posts[pk][0] for pk in rows} <= followed

    def pages(self, owner):
        shown, before = [], None
        while True:
            page = reading.older(owner, reading.state(owner), before, PAGE)
            shown += [post.pk for post in page.posts]
            if not page.more:
                return shown
            before = shown[-1]


def pick(things, which):
    """A list with one of the things, or an empty one if there are none."""
    return [things[which % len(things)]] if things else []


@pytest.mark.parametrize(
    "examples", [12, pytest.param(500, marks=[pytest.mark.slow, pytest.mark.timeout(1_200)])]
)
@pytest.mark.django_db
def test_the_final_state_is_that_of_sequential_execution(broker, settings, examples):
    settings.PARTITION_POSTS = 3
    settings.TIMELINE_BACKFILL_POSTS = FIRST_POSTS
    settings.TIMELINE_TASK_ROWS = 1  # So that a post of several followers is several slices.

    @given(STEPS)
    @profile(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # Shrinking a failure would exceed the test's time limit.
        suppress_health_check=list(HealthCheck),
    )
    def live(steps):
        with transaction.atomic():
            simulation = Simulation(broker)
            simulation.prepare()
            simulation.run_steps(steps)
            simulation.settle()
            transaction.set_rollback(True)

    live()
