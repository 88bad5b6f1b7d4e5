"""What a graph demands: alice and bob write, those who follow them read."""

from demo.random_graph import generate_graph
from demo.scenario import PUSH_AUTHORS, Scenario
from tests.demo.people import ALICE, BOB, CAROL, DAVE, GRAPH


def test_every_follower_of_the_author_is_expected_to_get_the_post():
    scenario = Scenario(GRAPH, [ALICE, BOB, ALICE], [], [])

    assert [list(scenario.audience(post)) for post in range(3)] == [
        [BOB, CAROL, DAVE],
        [ALICE, DAVE],
        [BOB, CAROL, DAVE],
    ]
    assert scenario.rows_by_post == [3, 2, 3]


def test_whoever_has_a_device_is_told_of_every_author_they_follow():
    scenario = Scenario(GRAPH, [ALICE, BOB], [BOB], [])

    assert scenario.device_owners == {ALICE, DAVE}
    assert scenario.notified(0) == [DAVE]
    assert scenario.pushes_by_post == [1, 2]


def test_a_timeline_holds_the_posts_of_those_whom_the_reader_follows():
    scenario = Scenario(GRAPH, [ALICE, BOB, ALICE], [], [])

    assert scenario.timeline(CAROL) == [0, 2]
    assert scenario.timeline(ALICE) == [1]
    assert scenario.timeline(DAVE) == [0, 1, 2]


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
