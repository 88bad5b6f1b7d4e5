"""A graph of four: bob, carol and dave follow alice, alice and dave follow bob."""

from demo.graph import Graph

ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4
GRAPH = Graph.from_edges([(BOB, ALICE), (CAROL, ALICE), (DAVE, ALICE), (ALICE, BOB), (DAVE, BOB)])
