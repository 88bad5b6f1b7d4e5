"""Checks that every push arrived once and in time."""

from collections.abc import Mapping

from devtools.faults.phones import Phones
from devtools.faults.run import Run
from devtools.lab.database import query
from devtools.lab.latency import Percentiles
from devtools.push_service import post_topic

# The limit for a push service's p99. On a machine that is busy with other work, the limit is SLOWER
# times the p99 before the fault, if that is more.
PROMISE_SECONDS = 5.0
SLOWER = 3.0
# The longest time that a push waits for its circuit breaker and its next attempt.
SETTLE_SECONDS = 150.0
UNSETTLED = "SELECT count(*) FROM notifications_delivery WHERE due_at IS NOT NULL"
POSTS = "SELECT id, author_id, extract(epoch FROM created_at)::float FROM social_post"

# Author and time.time() of each post, by post id.
Posts = Mapping[int, tuple[int, float]]


def settled(run: Run) -> Posts:
    """Wait until every push is settled, and return all posts."""
    connection = run.connect()
    run.until(lambda: query(connection, UNSETTLED) == [(0,)], "every push settled", SETTLE_SECONDS)
    return {pk: (author, at) for pk, author, at in query(connection, POSTS)}


def demand_arrivals(
    run: Run, made: Phones, posts: Posts, names: tuple[str, ...], *, once: bool = True
) -> None:
    """Demand that each of these push services accepted every push for its devices, and no other.
    Repeats count as errors unless they are allowed."""
    audiences = {pk: run.people.reached.get(author, set()) for pk, (author, _) in posts.items()}
    for name in names:
        wanted, found = made.expected(name, audiences), made.accepted(name)
        missing, repeated = wanted - found.keys(), found.total() - len(found)
        alien = {push for push in found.keys() - wanted if push[1] in made.tokens}
        run.demand(not missing, f"{len(missing)} pushes never reached the {name} push service")
        run.demand(not alien, f"{len(alien)} pushes of the {name} one were for somebody else")
        run.demand(not (once and repeated), f"{repeated} pushes came twice to the {name} one")
        run.figures |= {f"{name}_pushes": len(wanted), f"{name}_repeated": repeated}


def demand_in_time(
    run: Run, made: Phones, posts: Posts, name: str, began_at: float, ended_at: float = float("inf")
) -> None:
    """Demand that pushes first received in a span of time.time() were fast enough."""
    created = {post_topic(pk): at for pk, (_, at) in posts.items()}
    first: dict[tuple[str, str], float] = {}
    for receipt in made.receipts(name):
        if receipt.topic in created and receipt.token in made.tokens:
            first.setdefault((receipt.topic, receipt.token), receipt.wall)
    taken = [(at, at - created[topic]) for (topic, _), at in first.items()]
    before = Percentiles.of(seconds for at, seconds in taken if at < began_at)
    during = Percentiles.of(seconds for at, seconds in taken if began_at <= at < ended_at)
    for percent, seconds in vars(during).items():
        run.figures[f"{name}_{percent}_s"] = round(seconds or 0.0, 2)
    p99, allowed = during.p99 or 0.0, max(PROMISE_SECONDS, SLOWER * (before.p99 or 0.0))
    late = f"pushes to the {name} one took {p99:.2f} s (p99), allowed are {allowed:.1f}"
    run.demand(p99 <= allowed, late)
