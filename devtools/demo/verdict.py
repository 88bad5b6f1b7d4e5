"""Compares the findings with what the graph demands, never with our own tables.

Nothing here queries a server: the measured time is over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from devtools.demo.comparison import Tally, compare_count, compare_pairs, compare_sequence
from devtools.demo.demand import Demand
from devtools.demo.devices import open_pushes, shown_once
from devtools.demo.measurement import Findings
from devtools.demo.mixture import NOTHING
from devtools.demo.plan import content
from devtools.lab.attempts import Attempts
from devtools.lab.latency import Percentiles
from devtools.lab.population import username


@dataclass(frozen=True)
class Verdict:
    """`others` are the tallies besides rows, pushes and events. `problems` lists what else went
    wrong. `repeats` counts pushes that came twice and that the device shows once. `mixed` counts
    what was mixed in."""

    posts: int
    rows: Tally
    pushes: Tally
    events: Tally
    others: Sequence[Tally]
    problems: Sequence[str]
    timeline: Percentiles
    push: Percentiles
    rows_per_s: float
    repeats: int
    mixed: Mapping[str, int]

    @property
    def tallies(self) -> Sequence[Tally]:
        return [self.rows, self.pushes, self.events, *self.others]

    @property
    def missing(self) -> int:
        return sum(tally.missing for tally in self.tallies)

    @property
    def duplicates(self) -> int:
        return sum(tally.duplicates for tally in self.tallies)

    @property
    def passed(self) -> bool:
        return not (self.missing or self.duplicates or self.problems)

    @property
    def notes(self) -> list[str]:
        """A line for each deviation and problem; equal problems share one line with their
        number."""
        times = {problem: self.problems.count(problem) for problem in self.problems}
        problems = [f"{text} ({n} times)" if n > 1 else text for text, n in times.items()]
        return [*(note for tally in self.tallies for note in tally.notes), *problems]


def judge(demand: Demand, ids: Mapping[int, int], found: Findings) -> Verdict:
    """`ids` has the users' ids in our database by their ids in the graph."""
    attempts = found.attempts
    tokens = {
        post: [found.devices[user].token for user in demand.notified(number)]
        for post, number in attempts.numbers.items()
    }
    contents = {post: content(number) for post, number in attempts.numbers.items()}
    inbox = open_pushes(found.receipts, found.devices.values(), contents)
    shown = shown_once(inbox.pushes) if demand.senders_die else inbox.pushes
    received = [(post, token) for post, token, _ in shown]
    rows = compare_pairs("timeline rows", demand.rows(attempts.numbers, ids), found.rows)
    pushes = compare_pairs("pushes", tokens, received)
    events = compare_pairs(
        "event records",
        {post: ["record"] for post in attempts.numbers},
        ((post, "record") for post in found.created_posts),
    )
    arrived, accepted = found.arrived_at, attempts.accepted_at
    return Verdict(
        posts=len(attempts.numbers),
        rows=rows,
        pushes=pushes,
        events=events,
        others=[*daily_counts(demand, found), *home_timelines(demand, found)],
        problems=[*found.problems, *attempts.refused.values(), *inbox.problems],
        timeline=Percentiles.of(at - accepted[post] for post, at in arrived.items()),
        push=Percentiles.of(at - accepted[post] for post, _, at in shown),
        repeats=len(inbox.pushes) - len(shown),
        mixed=mixed(demand, found),
        rows_per_s=rows.found / (max(arrived.values()) - min(accepted.values())) if arrived else 0,
    )


def mixed(demand: Demand, found: Findings) -> dict[str, int]:
    """Counts of what was mixed in; empty in a run without a mixture."""
    plan, mixture = demand.plan, demand.plan.mixture
    if mixture == NOTHING:
        return {}
    return {
        "follows": len(mixture.follows),
        "unfollows": len(mixture.unfollows),
        "deletions": len(mixture.deletions),
        "dormant": len(mixture.dormant),
        "returned": len(mixture.returned),
        "rows_to_sweep": found.to_sweep,
        "posts_to_large_audiences": plan.large_posts,
    }


def daily_counts(demand: Demand, found: Findings) -> Iterator[Tally]:
    """Compare the analytics with the least and greatest counts allowed. The two differ only in a
    mixed run: a row written before an unfollow counts, and a row that comes too late does not."""
    numbers, mixture = found.attempts.numbers.values(), demand.plan.mixture
    for metric, (least, most) in {
        "posts": (len(numbers), len(numbers)),
        "timeline_rows": demand.written(numbers),
        "pushes_sent": demand.sent(numbers),
        "followers_gained": (len(mixture.follows), len(mixture.follows)),
        "followers_lost": (len(mixture.unfollows), len(mixture.unfollows)),
    }.items():
        yield compare_count(f"daily count of {metric}", least, most, found.daily_counts[metric])


def home_timelines(demand: Demand, found: Findings) -> Iterator[Tally]:
    """Compare the readers' home timelines: the right posts, newest first, each with its text and
    author."""
    ids = found.attempts.ids
    for reader, posts in found.timelines.items():
        demanded = [ids[number] for number in demand.timeline(reader) if number in ids]
        # A post with another text or author does not count as the demanded one.
        shown = [post["id"] if shown_rightly(demand, found.attempts, post) else 0 for post in posts]
        name = f"home timeline of {username(reader)}"
        yield compare_sequence(name, sorted(demanded, reverse=True), shown)


def shown_rightly(demand: Demand, attempts: Attempts, post: Mapping) -> bool:
    number = attempts.numbers.get(post["id"])
    return number is not None and (post["content"], post["author"]["username"]) == (
        content(number),
        username(demand.plan.authors[number]),
    )
