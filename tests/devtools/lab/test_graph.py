"""Alice (1), bob (2) and carol (3) follow each other in small files of their own."""

import gzip
import zlib
from collections import Counter
from random import Random

import pytest

from devtools.demo.graph_file import read_graph
from devtools.lab.graph import Graph, GraphError
from devtools.lab.random_graph import draw_authors, even_graph, generate_graph

ALICE, BOB, CAROL = 1, 2, 3
FOLLOWS = b"# follower followee\n\n2 1\n3\t1\r\n  1 2\n3 1\n"


@pytest.fixture
def follows_file(tmp_path):
    def write(content: bytes):
        path = tmp_path / "follows.txt"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_file_is_read_plain_or_gzip_whatever_its_name(follows_file, pack):
    graph = read_graph(follows_file(pack(FOLLOWS)))

    assert list(graph.users) == [ALICE, BOB, CAROL]
    assert list(graph.followers_of(ALICE)) == [BOB, CAROL]
    assert list(graph.followers_of(CAROL)) == []
    assert graph.most_followed() == ALICE


def test_a_follow_that_stands_twice_in_the_file_counts_once(follows_file):
    graph = read_graph(follows_file(FOLLOWS))

    assert graph.user_count == 3
    assert graph.follows(CAROL, ALICE)
    assert not graph.follows(CAROL, BOB)
    assert graph.follow_count == 3
    assert list(graph.edges()) == [(BOB, ALICE), (CAROL, ALICE), (ALICE, BOB)]


def test_largest_id_of_a_bigint_column_is_read(follows_file):
    graph = read_graph(follows_file(b"0 9223372036854775807\n"))

    assert list(graph.users) == [0, 2**63 - 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"2 1\n3\n", "follows.txt, line 2: expected 'follower followee', found 1 fields"),
        (b"2 1 5\n", "follows.txt, line 1: expected 'follower followee', found 3 fields"),
        (b"# x\n2 one\n", "follows.txt, line 2: 'one' is not an integer"),
        (b"2 1_0\n", "follows.txt, line 1: '1_0' is not an integer"),
        ("2 ٣\n".encode(), "follows.txt, line 1: '٣' is not an integer"),
        (b"2 -1\n", "follows.txt, line 1: user '-1' is negative"),
        (
            b"2 9223372036854775808\n",
            "follows.txt, line 1: user '9223372036854775808' is too large, the limit is 2**63 - 1",
        ),
        (
            b"2 " + b"9" * 5000,
            f"follows.txt, line 1: user '{'9' * 40}' is too large, the limit is 2**63 - 1",
        ),
        (b"2 1\n\n3 3\n", "follows.txt, line 3: user 3 follows themselves"),
        (b"2 1\n# caf\xe9\n", "follows.txt, line 2: is not UTF-8"),
        (b"", "follows.txt: has no follows"),
        (b"# nothing here\n", "follows.txt: has no follows"),
        (gzip.compress(b"", mtime=0), "follows.txt: has no follows"),
    ],
)
def test_broken_line_is_named_by_file_and_line(follows_file, content, message):
    with pytest.raises(GraphError) as fault:
        read_graph(follows_file(content))

    assert str(fault.value) == message


def cut_short(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def with_an_impossible_block(packed: bytes) -> bytes:
    return packed[:10] + b"\xff" + packed[11:]


def with_wrong_checksum(packed: bytes) -> bytes:
    return packed[:-8] + zlib.crc32(b"other").to_bytes(4, "little") + packed[-4:]


@pytest.mark.parametrize("damage", [cut_short, with_an_impossible_block, with_wrong_checksum])
def test_damaged_gzip_is_a_fault_and_not_a_smaller_graph(follows_file, damage):
    lines = b"".join(b"%d 1\n" % follower for follower in range(2, 20_000))

    with pytest.raises(GraphError, match=r"^follows.txt, line \d+: gzip ends early or is corrupt$"):
        read_graph(follows_file(damage(gzip.compress(lines))))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(GraphError, match=r"^nowhere\.txt: cannot be read: No such file"):
        read_graph(tmp_path / "nowhere.txt")


def test_generated_graph_has_a_heavy_tail():
    graph = generate_graph(users=4000)
    counts = sorted(len(graph.followers_of(user)) for user in graph.users)

    assert list(graph.users) == list(range(1, 4001))
    assert counts[-1] >= 1000
    assert 20 <= graph.follow_count / graph.user_count <= 50
    assert counts[2000] < 15
    assert len(graph.followers_of(graph.most_followed())) == counts[-1]


def test_generated_graph_has_no_self_follow_and_no_duplicate():
    edges = list(generate_graph(users=300, seed=7).edges())

    assert len(set(edges)) == len(edges)
    assert all(follower != followee for follower, followee in edges)


def test_generated_graph_is_the_same_for_a_seed_on_every_platform():
    text = repr(list(generate_graph(users=500, seed=42).edges())).encode()

    # The checksum was taken once; another value means that old results cannot be repeated.
    assert zlib.crc32(text) == 1321127518
    assert generate_graph(users=500, seed=43) != generate_graph(users=500, seed=42)


def test_two_users_are_the_smallest_graph():
    assert list(generate_graph(users=2).edges()) == [(2, 1), (1, 2)]
    with pytest.raises(ValueError, match="two users"):
        generate_graph(users=1)


def test_authors_are_drawn_in_proportion_to_their_followers():
    graph = Graph.from_edges([(BOB, ALICE), (CAROL, ALICE), (4, ALICE), (ALICE, BOB)])

    drawn = Counter(draw_authors(graph, 4000, Random(1)))

    assert set(drawn) == {ALICE, BOB}
    assert 2800 < drawn[ALICE] < 3200


def test_most_followed_user_writes_at_least_once():
    graph = Graph.from_edges((1000 + n % 5 + n, n) for n in range(500))
    crowned = Graph.from_edges([*graph.edges(), (7777, 3)])

    for seed in range(20):
        assert 3 in draw_authors(crowned, 2, Random(seed))
    assert draw_authors(crowned, 0, Random(1)) == []


def test_authors_are_the_same_for_the_same_seed():
    graph = generate_graph(users=100)

    assert draw_authors(graph, 50, Random(5)) == draw_authors(graph, 50, Random(5))


def test_an_even_graph_gives_each_author_as_many_followers_all_over_the_range():
    graph = even_graph(users=40, authors=10, followers=8)

    assert list(graph.users) == list(range(1, 41))
    assert graph.authors == list(range(1, 11))
    for author in graph.authors:
        followers = list(graph.followers_of(author))
        assert author not in followers
        assert [(follower - 1) // 5 for follower in followers] == list(range(8))


def test_of_a_graph_with_few_authors_the_others_only_follow():
    graph = generate_graph(600, 1, authors=60, top_share=(1, 2), rank_offset=10)

    assert len(graph.authors) == 60
    assert graph.user_count == 600
    assert [len(graph.followers_of(author)) for author in graph.authors[:3]] == [300, 272, 250]
