"""What browsers and crawlers are given beside the API."""

import pytest
import requests
from playwright.sync_api import expect

from tests import browser

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


def test_the_front_page_leads_to_the_api_and_the_admin(origin):
    page = requests.get(f"{origin}/", timeout=30)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    for path in ("/api/docs/", "/api/schema/", "/admin/"):
        assert f'href="{path}"' in page.text
        assert requests.get(origin + path, timeout=30).status_code == 200


def test_an_admin_that_was_put_elsewhere_is_not_told_of(serve):
    page = requests.get(serve(ADMIN_PATH="hidden/here/"), timeout=30)
    assert page.status_code == 200
    assert "hidden" not in page.text
    assert "Administration" not in page.text


def test_crawlers_are_told_to_keep_to_the_front_page(origin):
    robots = requests.get(f"{origin}/robots.txt", timeout=30)
    assert robots.headers["Content-Type"].startswith("text/plain")
    assert robots.text.splitlines() == ["User-agent: *", "Allow: /$", "Disallow: /"]


def test_the_icon_is_one(origin):
    icon = requests.get(f"{origin}/favicon.ico", timeout=30)
    assert icon.headers["Content-Type"] in ("image/x-icon", "image/vnd.microsoft.icon")
    assert icon.content[:4] == b"\0\0\1\0"


@pytest.mark.parametrize("path", ["/no-such-page", "/no/such/page/", "/apis/", "/favicon.png"])
def test_an_unknown_page_is_a_page(origin, path):
    page = requests.get(origin + path, timeout=30)
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Page not found" in page.text


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/no-such-thing/", "/api/v2/posts/"])
def test_an_unknown_path_below_the_api_is_a_problem(origin, path):
    answer = requests.get(origin + path, headers={"Accept": "text/html"}, timeout=30)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:connectify:problem:not-found"


@pytest.mark.slow
@browser.NEEDED
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_it_fits_a_phone_and_a_desktop_and_leads_on(origin, viewport):
    with browser.new_page() as page:
        page.set_viewport_size(viewport)
        page.goto(f"{origin}/")
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        page.click("text=The API's documentation")
        expect(page.locator(".opblock").first).to_be_visible(timeout=20_000)
