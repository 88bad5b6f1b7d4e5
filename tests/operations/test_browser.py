"""The operator's pages in a real browser.

SCREENSHOTS=1 writes what is seen into docs/images/.
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from analytics import histogram
from analytics.models import Rollup
from events.models import DeadLetter
from social.models import User
from tests import browser

IMAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "images"
PASSWORD = "correct horse battery staple"

pytestmark = [
    pytest.mark.slow,  # A browser starts for each test.
    pytest.mark.django_db(transaction=True),
    browser.NEEDED,
]


@pytest.fixture
def page(live_server, monkeypatch):
    """A page of a logged-in operator; the test fails if the browser refuses a script or a style."""
    # Playwright runs an event loop in this thread, in which Django would refuse database access.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    User.objects.create_superuser("olga", password=PASSWORD)
    with browser.new_page() as page:
        page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
        page.goto(f"{live_server.url}/admin/")
        page.fill("#id_username", "olga")
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        yield page
        # With a running loop Django opens a second connection, which nothing else closes.
        connections.close_all()


@pytest.fixture
def busy_hour(broker):
    """An hour of posts with growing latencies, and letters with two exceptions."""
    now = timezone.now().replace(second=0, microsecond=0)
    for minute in range(60):
        timeline, push = histogram.empty(), histogram.empty()
        histogram.add(timeline, 0.06 + minute / 300, 900)
        histogram.add(timeline, 0.6, 90 + minute)
        histogram.add(push, 0.3 + minute / 60, 500)
        histogram.add(push, 2.2, 12)
        for period in ("minute", "day"):
            Rollup.objects.create(
                period=period,
                author_id=0,
                starts_at=now - timedelta(**{f"{period}s": minute}),
                posts=12 + minute % 7,
                reach=12_000 + 531 * minute,
                pushes_sent=512,
                pushes_failed=minute % 3,
                timeline_latency=timeline,
                push_latency=push,
            )
    for number in range(7):
        DeadLetter.objects.create(
            queue="timelines.high",
            message_id=str(number),
            task="timelines.write_slices",
            body=b"[]",
            exception_type="ValueError" if number else "KeyError",
            exception_message="no such thing",
            first_failed_at=now,
            last_failed_at=now,
        )


def picture(page, name: str) -> None:
    if os.environ.get("SCREENSHOTS"):
        page.screenshot(path=IMAGES / f"{name}.png", full_page=True)


def test_an_operator_sees_the_system_and_pauses_push(page, live_server, busy_hour):
    page.goto(f"{live_server.url}/admin/")
    page.click("text=Status")
    page.wait_for_selector("figure polyline")
    assert page.locator("#subscribers tbody tr").count() == 3
    # The plots are really drawn: each line has a length on the screen.
    lines = page.locator("figure polyline")
    assert lines.count() == 6
    assert all(lines.nth(n).bounding_box()["width"] > 300 for n in range(6))
    picture(page, "operations")
    page.click("text=Pause a subscriber")
    page.select_option("#id_subscriber", "notifications")
    page.fill("#id_minutes", "10")
    page.click("#content input[type=submit]")
    page.wait_for_selector("text=Really?")
    assert "Really?" in page.inner_text("#content form")
    page.click("input[value='Yes, do it']")
    page.wait_for_selector("#pauses li")
    assert "notifications is paused until" in page.inner_text("#pauses")


def test_an_operator_opens_a_group_of_letters_from_the_page(page, live_server, busy_hour):
    page.goto(f"{live_server.url}/admin/operations/status/")
    page.click("#letters a >> nth=0")
    page.wait_for_selector("#result_list")
    assert page.locator("#result_list tbody tr").count() == 6


def test_the_figures_are_plotted(page, live_server, busy_hour):
    page.goto(f"{live_server.url}/admin/analytics/rollup/plots/")
    assert page.locator("figure svg").count() == 6
    picture(page, "analytics")
    page.click("figure >> nth=0 >> text=As a table")
    assert page.locator("figure >> nth=0 >> tbody tr").count() == 60
