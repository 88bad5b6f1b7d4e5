"""A graph of four: bob, carol and dave follow alice, alice and dave follow bob."""

from devtools.demo.graph import Graph
from devtools.demo.posting import content

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
GRAPH = Graph.from_edges([(BOB, ALICE), (CAROL, ALICE), (DAVE, ALICE), (ALICE, BOB), (DAVE, BOB)])
# In the database.
IDS = {ALICE: 101, BOB: 102, CAROL: 103, DAVE: 104}


def entry(post: int, number: int, author: str) -> dict:
    """A post as a page of a timeline shows it."""
    return {"id": post, "content": content(number), "author": {"username": author}}
