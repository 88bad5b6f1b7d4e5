"""What users do in a mixed run besides posting. Users are given by their id in the graph."""

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
    """The author deletes the post with this number."""

    post: int


@dataclass(frozen=True)
class Return(Act):
    """A dormant owner reads their timeline."""

    owner: int
