"""A log of what people did, and the timelines that must follow from it. Tests compare the final
state with this sequential model."""

from itertools import count


class History:
    """People and posts are given by their ids. `clock` numbers the moments of what they do."""

    def __init__(self, first_posts: int):
        self.first_posts = first_posts
        self.clock = count(1)
        self.posts: dict[int, tuple[int, int]] = {}  # post: (author, moment)
        self.live: set[int] = set()
        self.follows: dict[tuple[int, int], int] = {}  # (follower, author): first post shown
        self.mutes: set[tuple[int, int]] = set()
        # (follower, author): when the follower last began or stopped to see the author's posts.
        self.changed: dict[tuple[int, int], int] = {}
        # (follower, author): when the follow was handled, which fills in the earlier posts.
        self.filled: dict[tuple[int, int], int] = {}

    def publish(self, author: int, post: int) -> None:
        self.posts[post] = (author, next(self.clock))
        self.live.add(post)

    def follow(self, follower: int, author: int) -> None:
        if (follower, author) in self.follows:
            return
        own = sorted((pk for pk in self.live if self.posts[pk][0] == author), reverse=True)
        first = own[self.first_posts - 1] if len(own) >= self.first_posts else 0
        self.follows[follower, author] = first
        self._change(follower, author)
        self.filled.pop((follower, author), None)

    def fill(self, follower: int, author: int) -> None:
        """Record that the follow was handled. Only the first time after a follow counts."""
        self.filled.setdefault((follower, author), next(self.clock))

    def unfollow(self, follower: int, author: int) -> None:
        if self.follows.pop((follower, author), None) is not None:
            self._change(follower, author)

    def mute(self, muter: int, author: int, muted: bool) -> None:
        if ((muter, author) in self.mutes) != muted:
            self.mutes ^= {(muter, author)}
            self._change(muter, author)

    def shown(self, owner: int) -> list[int]:
        """The posts that the owner's timeline must show, newest first."""
        return sorted(
            (
                pk
                for pk in self.live
                if (pair := (owner, self.posts[pk][0])) in self.follows
                and pair not in self.mutes
                and pk >= self.follows[pair]
            ),
            reverse=True,
        )

    def news(self, owner: int, since: int) -> set[int]:
        """The posts shown now that a client must have been given that has read forward since the
        moment `since`. It need not be given posts from before the owner began to see the author, if
        that began, or was filled in, after `since`."""
        return {pk for pk in self.shown(owner) if self._is_news(owner, pk, since)}

    def _is_news(self, owner: int, post: int, since: int) -> bool:
        author, posted = self.posts[post]
        changed = self.changed[owner, author]
        return changed < posted or max(changed, self.filled.get((owner, author), since)) < since

    def _change(self, owner: int, author: int) -> None:
        self.changed[owner, author] = next(self.clock)
