import threading

import pytest

from operations.cached_checks import OK, UNREACHABLE, CachedCheck
from tests.waiting import until


def test_a_process_that_answers_is_alive(client):
    assert client.get("/health/live/").json() == {"status": "ok"}


@pytest.mark.django_db
def test_only_operators_see_the_state_of_each_server(client, settings):
    settings.METRICS_TOKEN = "secret"
    for given in ("", "Bearer", "Bearer ", "Bearer wrong", "secret"):
        response = client.get("/health/ready/", HTTP_AUTHORIZATION=given)
        assert response.json() == {"status": "ok"}
    settings.METRICS_TOKEN = ""
    assert client.get("/health/ready/", HTTP_AUTHORIZATION="Bearer ").json() == {"status": "ok"}


def test_one_check_serves_all_callers_for_seconds():
    asked = []
    check = CachedCheck(lambda: asked.append(1), timeout=30)
    assert [check.state() for _ in range(100)] == [OK] * 100
    assert len(asked) == 1


def test_callers_do_not_wait_for_a_server_that_does_not_answer():
    silent = threading.Event()
    check = CachedCheck(silent.wait, timeout=0)
    assert [check.state() for _ in range(100)] == [UNREACHABLE] * 100
    silent.set()
    until(lambda: check.state() == OK)


def test_a_server_that_fails_is_unreachable():
    def fail() -> None:
        raise ConnectionError

    assert CachedCheck(fail, timeout=30).state() == UNREACHABLE
