"""The pages to try the API at, in a real browser."""

import pytest
from playwright.sync_api import expect

from tests import browser
from tests.web.test_description import OPERATIONS

pytestmark = [pytest.mark.slow, browser.NEEDED]  # A browser starts.


@pytest.fixture
def page(origin):
    with browser.new_page() as page:
        yield page


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
