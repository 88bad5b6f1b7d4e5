"""What must follow from who follows whom: alice and bob write, and what is mixed in."""

from devtools.demo.acts import Deletion, Follow, Return, Unfollow
from devtools.demo.demand import Demand
from devtools.demo.mixture import Mixture
from devtools.demo.plan import Plan
from tests.devtools.demo.people import ALICE, BOB, CAROL, DAVE, GRAPH, IDS

POSTS = range(3)


def demand(mixture: Mixture | None = None, push_authors=(), **changes) -> Demand:
    parts = [mixture] if mixture else []
    return Demand(Plan(GRAPH, [ALICE, BOB, ALICE], [*push_authors], [], *parts), **changes)


def owners(found: Demand) -> list[list[int]]:
    return [list(found.owners(post)) for post in POSTS]


def steady(found: Demand) -> list[list[int]]:
    return [list(found.steady(post)) for post in POSTS]


def test_every_follower_of_the_author_is_expected_to_get_the_post():
    plain = demand()

    assert owners(plain) == steady(plain) == [[BOB, CAROL, DAVE], [ALICE, DAVE], [BOB, CAROL, DAVE]]
    assert plain.written(POSTS) == (8, 8)


def test_whoever_has_a_device_is_told_of_every_author_they_follow():
    plain = demand(push_authors=[BOB])

    assert [plain.notified(post) for post in POSTS] == [[DAVE], [ALICE, DAVE], [DAVE]]
    assert plain.pushes([0, 1]) == 3
    assert plain.sent(POSTS) == (4, 4)


def test_a_timeline_holds_the_posts_of_those_whom_the_reader_follows():
    plain = demand()

    assert plain.timeline(CAROL) == [0, 2]
    assert plain.timeline(ALICE) == [1]
    assert plain.timeline(DAVE) == [0, 1, 2]


def test_rows_are_demanded_in_the_ids_of_the_database():
    assert demand().rows({70: 1}, IDS) == {70: [101, 104]}


def test_who_unfollows_has_no_row_of_the_author_at_the_end_and_no_device():
    found = demand(Mixture(unfollows=[Unfollow(2, DAVE, ALICE)]), push_authors=[ALICE])

    assert owners(found) == steady(found) == [[BOB, CAROL], [ALICE, DAVE], [BOB, CAROL]]
    assert found.timeline(DAVE) == [1]
    # Two of the rows are written or not, as the unfollow comes.
    assert found.written(POSTS) == (6, 8)
    assert found.plan.device_owners == {BOB, CAROL}


def test_who_follows_has_all_of_the_authors_posts_at_the_end():
    found = demand(Mixture(follows=[Follow(2, CAROL, BOB)]))

    assert owners(found)[1] == [ALICE, CAROL, DAVE]
    assert steady(found)[1] == [ALICE, DAVE]
    assert found.timeline(CAROL) == [0, 1, 2]
    assert found.written(POSTS) == (8, 9)


def test_a_deleted_post_is_in_nobodys_timeline_and_was_pushed_all_the_same():
    found = demand(Mixture(deletions=[Deletion(1, 0)]), push_authors=[BOB])

    assert owners(found) == steady(found) == [[], [ALICE, DAVE], [BOB, CAROL, DAVE]]
    assert found.timeline(DAVE) == [1, 2]
    assert found.written(POSTS) == (5, 8)
    assert found.pushes(POSTS) == 4
    assert found.sent(POSTS) == (4, 4)


def test_where_senders_die_a_deleted_posts_pushes_may_be_on_record_or_not():
    found = demand(Mixture(deletions=[Deletion(1, 0)]), push_authors=[BOB], senders_die=True)

    assert found.sent(POSTS) == (3, 4)


def test_who_stays_away_has_no_rows_and_sees_everything_who_returns_has_them_in_the_end():
    mixture = Mixture(returns=[Return(1, CAROL)], dormant=frozenset([CAROL, DAVE]))
    found = demand(mixture)

    assert owners(found) == [[BOB, CAROL], [ALICE], [BOB, CAROL]]
    assert steady(found) == [[BOB], [ALICE], [BOB]]
    assert found.timeline(DAVE) == [0, 1, 2]
    assert found.written(POSTS) == (3, 5)
