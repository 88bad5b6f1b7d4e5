"""Plots, and their page in the admin."""

import pytest
from django.utils import timezone

from analytics import histogram
from analytics.models import Rollup
from analytics.plots import DASHES, plot


def test_lines_differ_by_dashes_and_their_names_do_not_overlap():
    drawn = plot("Latency", ["a", "b"], {"p99": [4, 2], "p50": [2, 2]})
    assert [line.dash for line in drawn.lines] == list(DASHES[:2])
    first, second = (line.name_y for line in drawn.lines)
    # Both end at the same height, in the middle: y grows downwards.
    assert (first, second) == (84, 98)


def test_the_line_that_ends_highest_has_the_highest_name():
    drawn = plot("Pushes", ["a", "b"], {"failed": [1, 0], "sent": [3, 4]})
    failed, sent = (line.name_y for line in drawn.lines)
    assert (sent, failed) == (14, 154)


def test_names_of_lines_that_end_at_the_bottom_stay_above_it():
    drawn = plot("Pushes", ["a"], {"failed": [0], "refused": [0], "expired": [0]})
    assert sorted(line.name_y for line in drawn.lines) == [126, 140, 154]


def test_large_numbers_are_written_out():
    assert [label for _, label in plot("Rows", ["a"], {"rows": [33_333]}).ticks] == [
        "0",
        "16,666",
        "33,333",
    ]


def test_a_gap_breaks_a_line_and_a_single_point_is_visible():
    (line,) = plot("Latency", ["a", "b", "c", "d"], {"p99": [4, 0, None, 2]}).lines
    assert line.runs == ["60.0,10.0 226.7,150.0", "560.0,80.0 560.0,80.0"]


@pytest.mark.parametrize("values", [[], [0], [None]])
def test_an_empty_series_can_be_plotted(values):
    drawn = plot("Posts", ["a"] * len(values), {"posts": values})
    assert len(drawn.lines) == 1


def test_the_admin_shows_an_authors_figures_as_plots(admin_client, db):
    Rollup.objects.create(
        period="day",
        author_id=2,
        starts_at=timezone.now(),
        posts=7_654,
        timeline_latency=histogram.empty(),
        push_latency=histogram.empty(),
    )
    page = admin_client.get("/admin/analytics/rollup/plots/", {"author": "2", "period": "day"})
    assert page.context["title"] == "Figures of user 2"
    assert page.content.decode().count("<figcaption>") == 6
    assert "<td>7654</td>" in page.content.decode()
    for odd in ("-1", "x", "9" * 30):
        assert (
            admin_client.get("/admin/analytics/rollup/plots/", {"author": odd}).status_code == 200
        )


def test_an_operator_who_may_not_view_rollups_sees_no_plots(client, alice):
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    assert client.get("/admin/analytics/rollup/plots/").status_code == 403
