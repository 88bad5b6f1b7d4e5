"""What people did, and what their timelines must show for it: the sequential truth that the final
state is compared with."""

from itertools import count


class History:
    """People by id; a post is known by its id, and everything by the moment when it was done."""

    def __init__(self, first_posts: int):
        self.first_posts = first_posts
        self.clock = count(1)
        self.posts: dict[int, tuple[int, int]] = {}  # post: (author, moment)
        self.live: set[int] = set()
        self.follows: dict[tuple[int, int], int] = {}  # (follower, author): shown from this post
        self.mutes: set[tuple[int, int]] = set()
        # When the follower last began to see, or ceased to see, the author's posts.
        self.turned: dict[tuple[int, int], int] = {}
        # When a follow had been worked off: the posts that there were before it are filled in.
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
        self._turn(follower, author)
        self.filled.pop((follower, author), None)

    def fill(self, follower: int, author: int) -> None:
        """Only the first time after a follow counts."""
        self.filled.setdefault((follower, author), next(self.clock))

    def unfollow(self, follower: int, author: int) -> None:
        if self.follows.pop((follower, author), None) is not None:
            self._turn(follower, author)

    def mute(self, muter: int, author: int, muted: bool) -> None:
        if ((muter, author) in self.mutes) != muted:
            self.mutes ^= {(muter, author)}
            self._turn(muter, author)

    def shown(self, owner: int) -> list[int]:
        """Newest first."""
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
        """Of what is shown now, that which a reader who began at the moment `since` was to be
        given: all, save what was posted before the owner came to see its author, where that was
        later or was filled in later."""
        return {pk for pk in self.shown(owner) if self._is_news(owner, pk, since)}

    def _is_news(self, owner: int, post: int, since: int) -> bool:
        author, posted = self.posts[post]
        turned = self.turned[owner, author]
        return turned < posted or max(turned, self.filled.get((owner, author), since)) < since

    def _turn(self, owner: int, author: int) -> None:
        self.turned[owner, author] = next(self.clock)
