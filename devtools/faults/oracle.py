"""The oracle: derives from the final state what is lost, doubled or unexpected.

It knows only Connectify's promises, not how it works: an accepted post is in the timelines of
exactly those who now follow the author and have not muted them; every event ended at each of its
subscribers in exactly one way; the counts match what happened.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from devtools.faults.final_state import FinalState
from devtools.lab.attempts import Attempt

Subscribers = Mapping[str, tuple[str, frozenset[str]]]
CREATED = "post.created"


@dataclass
class Verdict:
    """`lost` and `duplicates` count timeline rows, posts and events. `unexpected` counts rows of
    posts that do not exist, and posts shown to users who should not see them. `surplus` rows are
    invisible and so do no harm. `left` counts queues that are not empty, each of which is a
    problem. `late` counts posts that took longer than allowed. `problems` describes all of it."""

    rows_expected: int = 0
    rows_found: int = 0
    lost: int = 0
    duplicates: int = 0
    unexpected: int = 0
    surplus: int = 0
    recovered: int = 0
    dead_letters: int = 0
    left: int = 0
    late: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, kind: str, what: Iterable, words: str) -> None:
        found = list(what)
        if found:
            setattr(self, kind, getattr(self, kind) + len(found))
            self.problems.append(f"{kind}: {len(found)} {words}, such as {found[0]}")

    def note_count(self, kind: str, count: int, words: str) -> None:
        if count:
            setattr(self, kind, getattr(self, kind) + count)
            self.problems.append(f"{kind}: {count} {words}")

    def demand_equal(self, words: str, one: int, other: int) -> None:
        if one != other:
            self.problems.append(f"{words}: {one:,} against {other:,}")


def judge(
    state: FinalState,
    attempts: Sequence[Attempt],
    subscribers: Subscribers,
    *,
    poison: int = 0,
    reused: frozenset[str] = frozenset(),
    old: frozenset[int] = frozenset(),
) -> Verdict:
    """`poison` is the number of dead letters that must exist. `reused` are event ids that were sent
    a second time with another body, and so may have both an effect and a letter. `old` are posts
    whose rows and events may have expired; timelines still show them."""
    verdict = Verdict()
    _judge_posts(verdict, state, attempts)
    _judge_rows(verdict, state, old)
    _judge_events(verdict, state, subscribers, reused, old)
    _judge_counts(verdict, state)
    verdict.dead_letters = len(state.letters)
    if verdict.dead_letters != poison:
        reasons = Counter((x.queue, x.exception_type, x.message[:80]) for x in state.letters)
        words = "; ".join(f"{n} of {' '.join(reason)}" for reason, n in reasons.most_common(5))
        verdict.problems.append(f"dead letters: {verdict.dead_letters}, want {poison}: {words}")
    return verdict


def _judge_posts(verdict: Verdict, state: FinalState, attempts: Sequence[Attempt]) -> None:
    ours = Counter(post.content for post in state.posts.values())
    gone = [a.post_id for a in attempts if a.accepted and a.post_id not in state.posts]
    verdict.note("lost", gone, "accepted posts are not in the table")
    twice = [a.content for a in attempts if ours[a.content] > 1]
    verdict.note("duplicates", twice, "posts were made twice")
    verdict.recovered = sum(
        bool(ours[a.content]) and (a.replayed or (not a.accepted and bool(a.failed)))
        for a in attempts
    )


def _judge_rows(verdict: Verdict, state: FinalState, old: frozenset[int]) -> None:
    followers: dict[int, set[int]] = {}
    for follower, followee in state.follows - state.mutes:
        followers.setdefault(followee, set()).add(follower)
    expected = {
        (owner, pk) for pk, post in state.posts.items() for owner in followers.get(post.author, ())
    }
    found = Counter(state.entries)
    verdict.rows_expected, verdict.rows_found = len(expected), len(state.entries)
    missing = [row for row in expected - found.keys() if row[1] not in old]
    verdict.note("lost", missing, "timeline rows (owner, post) are missing")
    verdict.note("duplicates", (found - Counter(found.keys())).elements(), "rows are doubled")
    verdict.note(
        "unexpected", [row for row in found if row[1] not in state.posts], "rows have no post"
    )
    verdict.surplus = sum(row not in expected and row[1] in state.posts for row in found)
    for owner, shown in state.shown.items():
        wanted = {pk for one, pk in expected if one == owner}
        verdict.note("lost", wanted - set(shown), f"posts are not shown to user {owner}")
        verdict.note("unexpected", set(shown) - wanted, f"posts are shown to user {owner}")
        verdict.note("duplicates", set(_doubled(shown)), f"posts are shown twice to user {owner}")


def _judge_events(
    verdict: Verdict,
    state: FinalState,
    subscribers: Subscribers,
    reused: frozenset[str],
    old: frozenset[int],
) -> None:
    announced = Counter(post for name, post in state.events.values() if name == CREATED)
    verdict.note("lost", state.posts.keys() - announced.keys() - old, "posts have no event")
    verdict.note("unexpected", announced.keys() - state.posts.keys(), "events have no post")
    verdict.note(
        "duplicates", [pk for pk, n in announced.items() if n > 1], "posts have two events"
    )
    verdict.demand_equal("events still pending, and none", state.pending, 0)
    effects = Counter(state.inbox)
    letters = {(letter.queue, letter.message_id) for letter in state.letters}
    for name, (queue, types) in subscribers.items():
        taken = [event for event, (event_type, _) in state.events.items() if event_type in types]
        done = {event for event in taken if effects[name, event]}
        parked = {event for event in taken if (queue, event) in letters}
        neither = set(taken) - done - parked
        verdict.note("lost", neither, f"events never ended at {name}")
        verdict.note("duplicates", (done & parked) - reused, f"events ended twice at {name}")


def _judge_counts(verdict: Verdict, state: FinalState) -> None:
    slices, rows = state.ledger
    verdict.demand_equal("slices in the ledger and recorded", slices, state.delivered[0])
    verdict.demand_equal("rows in the ledger and recorded", rows, state.delivered[1])
    types = Counter(name for name, _ in state.events.values())
    for metric, want in (
        ("posts", types[CREATED]),
        ("timeline_rows", rows),
        ("followers_gained", types["user.followed"]),
        ("followers_lost", types["user.unfollowed"]),
    ):
        verdict.demand_equal(f"daily count of {metric}", state.daily.get(metric, 0), want)
    verdict.left = len(state.depths)
    for queue, count in state.depths.items():
        verdict.problems.append(f"{count} messages are left in {queue}")


def _doubled(shown: Sequence[int]) -> Iterable[int]:
    return (pk for pk, count in Counter(shown).items() if count > 1)
