"""What a graph demands: alice and bob write, those who follow them read."""

from devtools.demo.plan import PUSH_AUTHORS, Plan
from devtools.lab.random_graph import generate_graph
from tests.devtools.demo.people import ALICE, BOB, CAROL, DAVE, GRAPH


def test_the_most_followed_user_is_among_the_push_authors():
    graph = generate_graph(users=300)

    plan = Plan.draw(graph, posts=100)

    assert len(plan.push_authors) == PUSH_AUTHORS
    assert graph.most_followed() in plan.push_authors
    assert set(plan.push_authors) <= set(plan.authors)


def test_where_few_authors_were_drawn_all_of_them_are_push_authors():
    plan = Plan.draw(GRAPH, posts=50)

    assert plan.push_authors == [ALICE, BOB]
    assert set(plan.readers) <= {ALICE, BOB, CAROL, DAVE}


def test_the_same_graph_gives_the_same_plan():
    graph = generate_graph(users=100)

    assert Plan.draw(graph, posts=20) == Plan.draw(graph, posts=20)
