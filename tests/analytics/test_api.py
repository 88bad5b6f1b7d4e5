"""The caller's own figures over REST."""

from datetime import timedelta

import pytest

from analytics.models import Rollup
from analytics.recording import record
from analytics.rollups import roll_up
from social.models import Token
from tests.analytics.records import DAY, event

pytestmark = pytest.mark.django_db


@pytest.fixture
def figures(client, alice):
    """A function that reads Alice's figures."""
    _, token = Token.objects.create(alice)

    def ask(path: str, status: int = 200, **query) -> dict:
        headers = {"Authorization": f"Bearer {token}"}
        response = client.get(f"/api/v1/analytics/{path}/", query, headers=headers)
        assert response.status_code == status, response.content
        return response.json()

    return ask


@pytest.fixture
def counted(alice, bob):
    batch = [
        event("e1", "post.created", author_id=alice.pk),
        event("e2", "timeline.delivered", author_id=alice.pk, rows=40),
        event("e3", "push.settled", author_id=alice.pk, sent=9, failed=2, refused=1, people=10),
        event("e4", "post.created", author_id=bob.pk),
        event("e5", "post.created", author_id=alice.pk, day=16),
    ]
    record(batch, now=DAY)
    roll_up()


def test_an_author_sees_the_figures_of_own_posts_by_day(figures, counted):
    first, second = figures("days", since="2026-01-14", until="2026-01-16")["results"]
    assert first == {
        "starts_at": "2026-01-15T00:00:00Z",
        "posts": 1,
        "reach": 40,
        "pushes": {"sent": 9, "failed": 1, "refused": 1, "expired": 0},
        "followers": {"gained": 0, "lost": 0},
        "timeline_latency_ms": {"p50": 12, "p95": 24, "p99": 25},
        "push_latency_ms": {"p50": None, "p95": None, "p99": None},
    }
    assert (second["starts_at"], second["posts"]) == ("2026-01-16T00:00:00Z", 1)


@pytest.fixture
def small(alice):
    """Twelve posts by Alice that reached one follower each, the last one on the next day, and one
    post that reached twelve people, of whom one has sixteen devices."""
    posts = [event(f"p{n}", "post.created", author_id=alice.pk) for n in range(12)]
    rows = [
        event(f"r{n}", "timeline.delivered", author_id=alice.pk, day=15 + (n == 11), rows=1)
        for n in range(12)
    ]
    pushes = [
        event(f"s{n}", "push.settled", author_id=alice.pk, sent=1, failed=0, people=1)
        for n in range(12)
    ]
    many = [
        event("m1", "post.created", author_id=alice.pk, day=20),
        event("m2", "timeline.delivered", author_id=alice.pk, day=20, rows=12),
        event("m3", "push.settled", author_id=alice.pk, day=20, sent=16, failed=0, people=1),
    ]
    record([*posts, *rows, *pushes, *many], now=DAY + timedelta(days=5))
    roll_up()


FIGURES = ("reach", "pushes", "timeline_latency_ms", "push_latency_ms")


def test_figures_about_few_people_are_null(figures, small, settings):
    first, second, third = figures("days", since="2026-01-15", until="2026-01-20")["results"]
    for row in (first, second):
        assert {name: row[name] for name in FIGURES} == dict.fromkeys(FIGURES)
    assert (first["posts"], second["posts"]) == (12, 0)
    assert (third["reach"], third["pushes"], third["push_latency_ms"]) == (12, None, None)
    settings.FIGURES_FROM = 1
    assert figures("days", since="2026-01-15", until="2026-01-15")["results"][0]["reach"] == 11


def test_a_rollup_from_before_slices_were_counted_goes_by_its_posts(figures, small):
    Rollup.objects.update(slices=0)
    assert figures("days", since="2026-01-15", until="2026-01-15")["results"][0]["reach"] is None


def test_figures_are_read_by_hour(figures, counted):
    (only,) = figures("hours", since="2026-01-15", until="2026-01-15")["results"]
    assert (only["starts_at"], only["posts"]) == ("2026-01-15T23:00:00Z", 1)


def test_figures_are_refused_without_a_token(client):
    assert client.get("/api/v1/analytics/days/").status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-16", "until": "2026-01-15"}, "since"),
        ({"since": "2020-01-16", "until": "2026-01-15"}, "since"),
        ({"until": "0001-01-01"}, "until"),
        ({"until": "9999-12-31"}, "until"),
    ],
)
def test_an_impossible_span_is_refused(figures, query, field):
    assert field in str(figures("days", status=400, **query))


def test_an_answer_takes_two_queries(figures, counted, django_assert_num_queries):
    # The first request also records the token's use. Then: the token, the figures.
    figures("days")
    with django_assert_num_queries(2):
        figures("days", since="2026-01-14", until="2026-01-16")
