"""bin/demo --mixed: what else happens while posts are written, decided before the run.

It is drawn from the seed, in the graph's own ids, so that its consequences are known beforehand.
Users who follow or unfollow have no device, so the time of their act does not change who gets a
push.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from random import Random

from devtools.demo.acts import Act, Deletion, Follow, Return, Unfollow
from devtools.lab.graph import Graph

# The most users who unfollow, follow and return each; in a small graph a fifth of the awake or
# dormant.
SOME = 30
PART = 5
# A tenth of the users are dormant, and a tenth of the posts are deleted.
ONE_IN = 10
# How many earlier posts a new follower's timeline is filled with. Nobody begins to follow an author
# with more posts than that, so all of the author's posts are shown, whenever the follow comes.
BACKFILL_POSTS = 50


@dataclass(frozen=True)
class Mixture:
    """`dormant` owners have stayed away before the run, and unless they return also until its end.
    A post to more than `large_audience` followers uses the lane of large audiences."""

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
        # Keep one post of the most-followed author, to be seen in all those timelines.
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
        """The users who follow or unfollow."""
        return {act.follower for act in chain(self.unfollows, self.follows)}

    @property
    def returned(self) -> Set[int]:
        return {act.owner for act in self.returns}

    @property
    def absent(self) -> Set[int]:
        """The dormant owners who do not return."""
        return self.dormant - self.returned

    @property
    def readers(self) -> list[int]:
        """One user of each kind whose timeline is read at the end: one who unfollowed, one who
        followed, one who returned, and one who stayed dormant."""
        kinds = ([act.follower for act in self.unfollows], [act.follower for act in self.follows])
        return [min(kind) for kind in (*kinds, self.returned, self.absent) if kind]

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings for the environment. Large audiences then take several slices, as they would in
        production."""
        if self.large_audience is None:
            return {}
        names = ("TIMELINE_LARGE_AUDIENCE", "TIMELINE_TASK_ROWS")
        return dict.fromkeys(names, str(self.large_audience)) | {
            "TIMELINE_BACKFILL_POSTS": str(BACKFILL_POSTS)
        }


def draw_unfollows(
    graph: Graph, written: Counter[int], people: Sequence[int], rng: Random
) -> Iterator[Unfollow]:
    """Each of the users unfollows an author who has `written` posts."""
    for user in people:
        followed = [author for author in written if graph.follows(user, author)]
        yield Unfollow(rng.randint(1, written.total()), user, rng.choice(followed))


def draw_follows(
    graph: Graph, written: Counter[int], people: Sequence[int], rng: Random
) -> Iterator[Follow]:
    """Each of the users follows an author with few enough posts, if there is one whom they do not
    follow."""
    for user in people:
        strangers = [
            author
            for author, posts in written.items()
            if posts <= BACKFILL_POSTS and author != user and not graph.follows(user, author)
        ]
        if strangers:
            yield Follow(rng.randint(1, written.total()), user, rng.choice(strangers))


NOTHING = Mixture()
