"""A graph of four: bob, carol and dave follow alice, alice and dave follow bob."""

from collections import Counter

from devtools.demo.plan import content
from devtools.lab.attempts import Attempt, Attempts
from devtools.lab.graph import Graph

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
GRAPH = Graph.from_edges([(BOB, ALICE), (CAROL, ALICE), (DAVE, ALICE), (ALICE, BOB), (DAVE, BOB)])
# In the database.
IDS = {ALICE: 101, BOB: 102, CAROL: 103, DAVE: 104}


def attempts(*accepted: tuple[int, float], refused: str = "") -> Attempts:
    """Posts by their ids and the times at which they were accepted; another one was refused."""
    found = Attempts(
        Attempt(number, 0, content(number), begun_at=0.0, post_id=post, accepted_at=at)
        for number, (post, at) in enumerate(accepted)
    )
    if refused:
        last = Attempt(len(found), 0, content(len(found)), begun_at=0.0, problem=refused)
        last.rejected = Counter({503: 1})
        found.append(last)
    return found


def entry(post: int, number: int, author: str) -> dict:
    """A post as a page of a timeline shows it."""
    return {"id": post, "content": content(number), "author": {"username": author}}
