"""The posts and follows of a run are such that the oracle knows what must come of them."""

from collections import Counter
from random import Random

from devtools.faults.environment import SETTINGS
from devtools.faults.load import FaultsLoad
from devtools.faults.people import AUTHORS, RANK_OFFSET, TOP_SHARE, USERS, People
from devtools.lab.random_graph import generate_graph

GRAPH = generate_graph(USERS, 1, authors=AUTHORS, top_share=TOP_SHARE, rank_offset=RANK_OFFSET)
ALICE = GRAPH.authors[0]
BOB, CAROL = GRAPH.followers_of(ALICE)[:2]
IDS = {user: 1_000 + user for user in GRAPH.users}


def people(**changes) -> People:
    given = {"ids": IDS, "tokens": {}, "password": "", "subscribers": {}, "target": 30.0}
    return People(GRAPH, **{"mutes": frozenset(), **given, **changes})


def test_nobody_writes_more_posts_than_a_back_fill_brings():
    load = FaultsLoad("http://127.0.0.1:1", people(), Random(1), "a run", rate=8.0)
    posts = Counter(load._authors)
    assert posts.keys() == {*GRAPH.authors}
    assert max(posts.values()) <= int(SETTINGS["TIMELINE_BACKFILL_POSTS"])


def test_a_post_reaches_the_followers_who_have_not_muted_its_author():
    found = people(mutes=frozenset([(BOB, ALICE)]))
    assert IDS[BOB] not in found.reached[IDS[ALICE]]
    assert IDS[CAROL] in found.reached[IDS[ALICE]]
    assert len(found.reached[IDS[ALICE]]) == 299
    assert found.authors[0] == IDS[ALICE]
