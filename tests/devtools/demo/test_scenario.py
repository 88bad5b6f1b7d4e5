"""What a graph demands: alice and bob write, those who follow them read."""

from devtools.demo.random_graph import generate_graph
from devtools.demo.scenario import PUSH_AUTHORS, Scenario
from tests.demo.people import ALICE, BOB, CAROL, DAVE, GRAPH


def test_the_most_followed_user_is_among_the_push_authors():
    graph = generate_graph(users=300)

    scenario = Scenario.draw(graph, posts=100)

    assert len(scenario.push_authors) == PUSH_AUTHORS
    assert graph.most_followed() in scenario.push_authors
    assert set(scenario.push_authors) <= set(scenario.authors)


def test_where_few_authors_were_drawn_all_of_them_are_push_authors():
    scenario = Scenario.draw(GRAPH, posts=50)

    assert scenario.push_authors == [ALICE, BOB]
    assert set(scenario.readers) <= {ALICE, BOB, CAROL, DAVE}


def test_the_same_graph_gives_the_same_scenario():
    graph = generate_graph(users=100)

    assert Scenario.draw(graph, posts=20) == Scenario.draw(graph, posts=20)
