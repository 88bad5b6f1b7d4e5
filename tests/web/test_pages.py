"""The pages to try the API at, in a real browser: Debian's Chromium, through Playwright."""

import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.web.test_description import OPERATIONS

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,  # A browser starts.
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: Debian's chromium"),
]


@pytest.fixture
def page(origin):
    """Fails if the browser refuses a script or a style, or misses a file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        complaints = []
        page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []


def test_every_operation_is_shown_and_is_tried_with_a_token(page, origin, world):
    alice = world.sign_up("alice")
    page.goto(f"{origin}/api/docs/")
    expect(page.locator(".opblock")).to_have_count(len(OPERATIONS), timeout=20_000)
    page.click("button.authorize")
    page.fill(".auth-container input", alice.token)
    page.click(".auth-container button.authorize")
    page.click("button.btn-done")
    page.click("#operations-accounts-accounts_me_retrieve")
    page.click("text=Try it out")
    page.click("text=Execute")
    expect(page.locator(".live-responses-table")).to_contain_text(f'"id": {alice.id}')
