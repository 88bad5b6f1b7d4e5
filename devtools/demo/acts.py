"""What people do in a mixed run beside posting; everybody by their id in the graph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    """Something done over the API once `after` posts have been answered."""

    after: int


@dataclass(frozen=True)
class Unfollow(Act):
    follower: int
    author: int


@dataclass(frozen=True)
class Follow(Act):
    follower: int
    author: int


@dataclass(frozen=True)
class Deletion(Act):
    """Of the post with this number, by its author."""

    post: int


@dataclass(frozen=True)
class Return(Act):
    """A dormant owner looks at their timeline."""

    owner: int
