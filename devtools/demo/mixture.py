"""bin/demo --mixed: what else happens while posts are written, decided before the run.

In the graph's own ids, by the seed alone, so that what must follow from it is known beforehand.
Who follows or unfollows has no device: when they do it does not change who gets a push.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from random import Random

from devtools.demo.acts import Act, Deletion, Follow, Return, Unfollow
from devtools.lab.graph import Graph

# At most so many unfollow, follow and return; of a small graph's people a part.
SOME = 30
PART = 5
# One of so many is dormant, and of so many posts one is deleted.
ONE_IN = 10
# What a new follower is shown of the posts that were there before. Whom somebody follows has no
# more of them in a run, so that all are shown, whenever the follow comes.
BACKFILL_POSTS = 50


@dataclass(frozen=True)
class Mixture:
    """`dormant` have stayed away before the run, and but for the returns do so until its end. A
    post to more than `large_audience` followers goes by the lane of large audiences."""

    unfollows: Sequence[Unfollow] = ()
    follows: Sequence[Follow] = ()
    deletions: Sequence[Deletion] = ()
    returns: Sequence[Return] = ()
    dormant: Set[int] = frozenset()
    large_audience: int | None = None

    @classmethod
    def draw(cls, graph: Graph, authors: Sequence[int], rng: Random) -> "Mixture":
        """Draw from the followers of those who post; `authors[n]` writes post n."""
        posts, counts = len(authors), Counter(authors)
        audience = sorted(set().union(*map(graph.followers_of, counts)))
        people = rng.sample(audience, len(audience))
        sleepers = len(people) // ONE_IN
        dormant, awake = people[:sleepers], people[sleepers:]
        some = min(SOME, len(awake) // PART)
        star = graph.most_followed()
        # One of the most-followed author stays, to be seen in all those timelines.
        deletable = [post for post in range(posts) if post != authors.index(star)]
        return cls(
            unfollows=list(draw_unfollows(graph, counts, awake[:some], rng)),
            follows=list(draw_follows(graph, counts, awake[some : 2 * some], rng)),
            deletions=[
                Deletion(rng.randint(post + 1, posts), post)
                for post in rng.sample(deletable, len(deletable) // ONE_IN)
            ],
            returns=[
                Return(rng.randint(1, posts), owner)
                for owner in dormant[: min(SOME, sleepers // 2)]
            ],
            dormant=frozenset(dormant),
            large_audience=max(1, len(graph.followers_of(star)) // 2),
        )

    def __str__(self) -> str:
        return (
            f"{len(self.follows)} follows, {len(self.unfollows)} unfollows, {len(self.deletions)}"
            f" deletions; {len(self.dormant)} dormant owners, of whom {len(self.returns)} return"
        )

    @property
    def acts(self) -> list[Act]:
        return [*self.unfollows, *self.follows, *self.deletions, *self.returns]

    @property
    def restless(self) -> Set[int]:
        """Who follows or unfollows."""
        return {act.follower for act in chain(self.unfollows, self.follows)}

    @property
    def returned(self) -> Set[int]:
        return {act.owner for act in self.returns}

    @property
    def absent(self) -> Set[int]:
        """The dormant who do not return."""
        return self.dormant - self.returned

    @property
    def readers(self) -> list[int]:
        """One of each kind, whose timelines are read at the end: who unfollowed, who followed, who
        returned, and who is dormant to the end."""
        kinds = ([act.follower for act in self.unfollows], [act.follower for act in self.follows])
        return [min(kind) for kind in (*kinds, self.returned, self.absent) if kind]

    @property
    def settings(self) -> Mapping[str, str]:
        """For the environment; audiences that are large here take several slices, as they would."""
        if self.large_audience is None:
            return {}
        names = ("TIMELINE_LARGE_AUDIENCE", "TIMELINE_TASK_ROWS")
        return dict.fromkeys(names, str(self.large_audience)) | {
            "TIMELINE_BACKFILL_POSTS": str(BACKFILL_POSTS)
        }


def draw_unfollows(
    graph: Graph, written: Counter[int], people: Sequence[int], rng: Random
) -> Iterator[Unfollow]:
    """Each of the people unfollows one of those who have `written` posts."""
    for user in people:
        followed = [author for author in written if graph.follows(user, author)]
        yield Unfollow(rng.randint(1, written.total()), user, rng.choice(followed))


def draw_follows(
    graph: Graph, written: Counter[int], people: Sequence[int], rng: Random
) -> Iterator[Follow]:
    """Each of the people follows a stranger, where there is one of few enough posts."""
    for user in people:
        strangers = [
            author
            for author, posts in written.items()
            if posts <= BACKFILL_POSTS and author != user and not graph.follows(user, author)
        ]
        if strangers:
            yield Follow(rng.randint(1, written.total()), user, rng.choice(strangers))


NOTHING = Mixture()
