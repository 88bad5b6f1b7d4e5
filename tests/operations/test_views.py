import threading

import pytest

from operations.looks import OK, UNREACHABLE, Look
from tests.waiting import until


def test_a_process_that_answers_is_alive(client):
    assert client.get("/health/live/").json() == {"status": "ok"}


@pytest.mark.django_db
def test_who_is_no_operator_is_told_of_no_server(client, settings):
    settings.METRICS_TOKEN = "secret"
    for given in ("", "Bearer", "Bearer ", "Bearer wrong", "secret"):
        response = client.get("/health/ready/", HTTP_AUTHORIZATION=given)
        assert response.json() == {"status": "ok"}
    settings.METRICS_TOKEN = ""
    assert client.get("/health/ready/", HTTP_AUTHORIZATION="Bearer ").json() == {"status": "ok"}


def test_one_look_serves_all_who_ask_for_seconds():
    asked = []
    look = Look(lambda: asked.append(1), patience=30)
    assert [look.state() for _ in range(100)] == [OK] * 100
    assert len(asked) == 1


def test_who_asks_while_a_server_is_silent_does_not_wait_for_it():
    silent = threading.Event()
    look = Look(silent.wait, patience=0)
    assert [look.state() for _ in range(100)] == [UNREACHABLE] * 100
    silent.set()
    until(lambda: look.state() == OK)


def test_a_server_that_fails_is_unreachable():
    def fail() -> None:
        raise ConnectionError

    assert Look(fail, patience=30).state() == UNREACHABLE
