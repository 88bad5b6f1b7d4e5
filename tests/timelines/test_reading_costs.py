"""The cost of a page of a timeline, in statements, partitions and buffers. It must not grow with
the timeline's length or the number of partitions."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fanout import partitions
from social import relations
from social.models import Post
from tests.conftest import make_user
from tests.plans import statements
from timelines import backfill, pulling, reading, rows

pytestmark = pytest.mark.django_db

FIRST = 20_000_000  # A partition begins here, and no other test has created any nearby.
ROWS = """
    INSERT INTO timelines_timelineentry (owner_id, post_id)
    SELECT owner, post FROM unnest(%s::bigint[]) AS owner, unnest(%s::bigint[]) AS post
"""


def write(owners, author, ids, now) -> None:
    """Create posts with these ids, and rows of them in the timelines of these owners."""
    Post.objects.bulk_create(Post(pk=pk, author=author, content="hi", created_at=now) for pk in ids)
    partitions.ensure(backfill.TABLE, ids)
    with connection.cursor() as cursor:
        cursor.execute(ROWS, [[owner.pk for owner in owners], list(ids)])


def buffers(executed) -> int:
    """The number of buffers that the statements touch, measured by running them again."""
    touched = 0
    for sql, parameters in executed:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
            plan = cursor.fetchone()[0]
        plan = plan if isinstance(plan, list) else json.loads(plan)
        top = plan[0]["Plan"]
        touched += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return touched


def test_page_twenty_touches_as_many_buffers_as_page_one(alice, bob, now, settings):
    settings.PARTITION_POSTS = 50
    others = [make_user(f"other-{number}") for number in range(20)]
    write([bob, *others], alice, range(FIRST, FIRST + 1_200), now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE timelines_timelineentry, social_post, social_follow, social_user")
    known = reading.state(bob.pk)
    costs, before = [], FIRST + 1_200
    for _ in range(20):
        with statements() as executed:
            page = reading.older(bob.pk, known, before, 50)
        assert len(page.posts) == 50
        before = page.posts[-1].pk
        costs.append(buffers(executed))
    assert costs[0] * 0.9 <= costs[19] <= costs[0] * 1.1, costs


def planned_partitions(executed) -> list[int]:
    """The number of partitions in the plan of each statement on timelines."""
    counts = []
    for sql, parameters in executed:
        if "timelines_timelineentry" in sql and "ORDER BY" in sql:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT TEXT) {sql}", parameters)
                lines = [line for (line,) in cursor]
            counts.append(sum("Scan" in line and "_p" in line for line in lines))
    return counts


def test_an_owner_with_few_rows_in_many_partitions_costs_a_bounded_number_of_queries(
    alice, bob, carol, now, settings, django_assert_num_queries
):
    settings.PARTITION_POSTS = 5
    # Bob follows Alice, who wrote long ago; since then Carol has filled a hundred partitions.
    write([bob], alice, [FIRST], now)
    write([], carol, range(FIRST + 1, FIRST + 500), now)
    with statements() as executed:
        page = reading.older(bob.pk, reading.state(bob.pk))
    assert [post.pk for post in page.posts] == [FIRST]
    # The state, three windows, the authors whom Bob sees, the ids of their posts, the posts.
    assert len(executed) == 7
    assert planned_partitions(executed) == [6, 12, 16]


@pytest.mark.parametrize(
    ("size", "windows"),
    [
        (2_000, [6, 12, 16]),  # 12,000, 24,000 and 32,000 posts.
        (5, [6, 12, 16]),  # Smaller partitions are not planned in larger numbers.
        (5_000, [3, 5, 7]),  # As many posts at least, in fewer partitions.
        (1_000_000, [1, 1, 1]),
    ],
)
def test_windows_go_by_the_size_of_a_partition(settings, size, windows):
    settings.PARTITION_POSTS = size
    assert rows.steps() == windows


def test_a_page_of_a_long_timeline_costs_the_same_wherever_it_is(alice, bob, now, settings):
    settings.PARTITION_POSTS = 15
    write([bob], alice, range(FIRST, FIRST + 1_000), now)
    known = reading.state(bob.pk)
    counts = set()
    for before in (FIRST + 1_000, FIRST + 693, FIRST + 200):
        with CaptureQueriesContext(connection) as queries:
            reading.older(bob.pk, known, before, 50)
        counts.add(len(queries))
    # A window of six partitions, the posts with their authors, the authors whom Bob sees.
    assert counts == {3}


@pytest.mark.parametrize(
    ("hidden_of_twenty", "statements_a_page"),
    [
        (0, {3}),  # The ids, the posts with their authors, the authors whom Bob sees.
        (1, {3}),
        (4, {6}),  # A second round of the same.
        (12, {9, 10}),  # A third round, of more rows; it may read a second window of partitions.
    ],
)
def test_a_partly_hidden_page_is_filled_from_rows_and_not_from_all_authors(
    alice, bob, carol, now, settings, hidden_of_twenty, statements_a_page
):
    settings.PARTITION_POSTS = 100
    relations.follow(bob, carol, now=now)
    relations.mute(bob, carol, now=now)
    ids = range(FIRST, FIRST + 1_000)
    for author, hides in ((alice, False), (carol, True)):
        write([bob], author, [pk for pk in ids if (pk % 20 < hidden_of_twenty) == hides], now)
    known = reading.state(bob.pk)
    for before in (FIRST + 1_000, FIRST + 700):
        with statements() as executed:
            page = reading.older(bob.pk, known, before, 50)
        assert len(page.posts) == 50
        assert {post.author.pk for post in page.posts} == {alice.pk}
        assert len(executed) in statements_a_page
        assert not any("LATERAL" in sql for sql, _ in executed)


def test_with_many_authors_ranges_of_ids_are_searched_not_all_of_their_posts(alice, bob, now):
    authors = [alice, *(make_user(f"author-{number}") for number in range(pulling.MANY))]
    for author in authors[1:]:
        relations.follow(bob, author, now=now)
    # All authors have posted for long, most posts are old, and there are no rows.
    first = FIRST - 3 * sum(pulling.RANGES)
    ids = [*range(first, FIRST, 10_000), *range(FIRST - 40, FIRST)]
    Post.objects.bulk_create(
        Post(pk=pk, author=authors[number % len(authors)], content="hi", created_at=now)
        for number, pk in enumerate(ids)
    )
    newest = ids[::-1]
    with statements() as executed:
        assert pulling.older(bob.pk, FIRST, 10) == newest[:10]
    assert len(executed) == 2  # The authors whom Bob sees, and the first range of ids.
    for count in (41, 60, len(ids), len(ids) + 1):
        assert pulling.older(bob.pk, FIRST, count) == newest[:count]
        assert pulling.newer(bob.pk, first - 1, FIRST, count) == ids[:count]
    assert pulling.newer(bob.pk, ids[3], FIRST, 3, without=[ids[4]]) == ids[5:8]
