"""The examinations of `manage.py doctor`: they find what is wrong, and say what fixes it.

Guarantee: examinations change nothing, and one that fails reports that itself.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis, RedisError

from analytics import days
from events import healing, unroutable, waiting
from events.ailments import Ailment
from events.errors import PassingError, wrap_passing_errors
from events.outbox import total
from events.registry import resolve, subscribers
from fanout import partitions, retention
from operations import canary, lag, partitioned, stuck
from operations.broker_examinations import broker, topology
from timelines.models import Watermark

# Leases, retries and histories compare the times of different machines.
CLOCK_SECONDS = 2.0
OUTBOX_SECONDS = 30.0
CANARY_SECONDS = 180.0
# Counting stops here: a larger number would tell an operator nothing more.
UNSETTLED_LIMIT = 10_000

Examination = Callable[[datetime], Iterator[Ailment]]


def database(now: datetime) -> Iterator[Ailment]:
    try:
        with wrap_passing_errors(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT statement_timestamp(), current_setting('transaction_read_only')::bool"
            )
            there, read_only = cursor.fetchone()
            skew = abs((there - now).total_seconds())
    except PassingError as error:
        yield Ailment(f"PostgreSQL is unreachable: {error}".strip(), "start it; see DATABASE_URL")
        return
    if read_only:
        mend = "make room on its disk, or connect to the primary; default_transaction_read_only"
        yield Ailment("PostgreSQL is read-only: nobody can post", mend)
    if skew > CLOCK_SECONDS:
        yield Ailment(f"this clock and PostgreSQL's differ by {skew:.1f} s", "run NTP on both")


def migrations(now: datetime) -> Iterator[Ailment]:
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        names = ", ".join(str(migration) for migration, _ in missing[:5])
        yield Ailment(f"{len(missing)} migrations are missing: {names}", "manage.py migrate")


def cache(now: datetime) -> Iterator[Ailment]:
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        ) as valkey:
            valkey.ping()
    except (RedisError, OSError) as error:
        yield Ailment(f"Valkey is unreachable: {error}", "start it; see REDIS_URL")


def partitions_ahead(now: datetime) -> Iterator[Ailment]:
    newest, coming = retention.head()
    mend = "manage.py partitions --create-ahead; is beat running?"
    for one in partitioned.tables():
        if max((end for _, end in partitions.bounds(one.table)), default=0) <= newest + 1:
            yield Ailment(f"{one.table} has no partition for the next post", mend)
        if partitions.horizon(one.table) > max(newest + 1, coming):
            yield Ailment(f"{one.table} treats the next post as expired", mend)
    if now.astimezone(UTC).date() not in days.existing():
        yield Ailment("the event records have no partition for today", "is beat running?")


def delivery(now: datetime) -> Iterator[Ailment]:
    pending = lag.outbox()
    waits = total(pending.values()).oldest_seconds
    if waits > OUTBOX_SECONDS:
        yield Ailment(f"the outbox has been waiting for {waits:.0f} s", "manage.py relay_outbox")
    for each in lag.lags(pending):
        if not each.within_target:
            what = (
                f"{each.subscriber} is late: an event is {each.oldest_seconds:.0f} s old"
                f" and should have had its effect after {each.target_seconds:.0f} s"
            )
            yield Ailment(what, "see the operations page and the other findings")
    if settings.CANARY and ((age := canary.age(now=now)) is None or age > CANARY_SECONDS):
        what = "no canary was ever released" if age is None else f"the canary is {age:.0f} s late"
        yield Ailment(what, "is beat running? See the operations page, and manage.py lag")
        if age is not None and not canary.device_is_there():
            yield Ailment("the canary's device is gone or taken", "the next canary makes it again")
    for late in chain.from_iterable(Watermark.objects.values_list("stragglers", flat=True)):
        mend = f"replay its dead letter, or manage.py repair_post {late}"
        yield Ailment(f"post {late} is late in some timelines", mend)


def stranded(now: datetime) -> Iterator[Ailment]:
    """Report messages that cannot go on while others do."""
    for each in unroutable.unroutable():
        yield Ailment(str(each), _routing(each))
    for aside in waiting.all_set_aside():
        yield Ailment(str(aside), "see Waiting events in the admin; they are retried by themselves")
    if count := healing.unsettled()[:UNSETTLED_LIMIT].count():
        what = f"{count:,} letters were replayed ten minutes ago and are not known to be done"
        mend = "wait for their queues, or: manage.py dead_letters replay --state replayed --yes"
        yield Ailment(what, mend)


def _routing(each: unroutable.Unroutable) -> str:
    for name, subscriber in subscribers.items():
        if each.exchange in subscriber.exchanges or each.routing_key == subscriber.queue:
            return f"restart manage.py consume {name}, which declares its queue"
    if each.exchange:
        return f"bind a queue to {each.exchange}: start a subscriber of {each.routing_key}"
    return "start what consumes that queue; a replay opens its letter again after ten minutes"


def configuration(now: datetime) -> Iterator[Ailment]:
    for message in checks.run_checks(include_deployment_checks=True):
        if message.level >= checks.WARNING:
            yield Ailment(
                f"{message.id}: {message.msg}", message.hint or "manage.py check --deploy"
            )


def examinations() -> dict[str, Examination]:
    """All examinations by title, including those of the subscribers."""
    own = {
        title: resolve(path)
        for each in subscribers.values()
        for title, path in each.examinations.items()
    }
    return {**FIRST, **own, **LAST}


FIRST: dict[str, Examination] = {
    "database and clock": database,
    "migrations": migrations,
    "cache": cache,
    "broker and consumers": broker,
    "topology": topology,
    "partitions": partitions_ahead,
    "delivery": delivery,
    "stranded events": stranded,
}
LAST: dict[str, Examination] = {
    "what does not heal by itself": stuck.ailments,
    "settings": configuration,
}


def examine(
    given: Mapping[str, Examination] | None = None, *, now: datetime
) -> Iterator[tuple[str, list[Ailment]]]:
    """Yield each examination's name with its findings, by default of all. An examination that fails
    is a finding."""
    for name, examination in (given or examinations()).items():
        try:
            found = list(examination(now))
        except Exception as error:
            found = [
                Ailment(
                    f"could not be examined: {error}".strip(), "first fix what is reported above"
                )
            ]
        yield name, found
