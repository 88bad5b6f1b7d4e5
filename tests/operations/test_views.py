import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_a_process_that_answers_is_alive(client):
    assert client.get("/health/live/").json() == {"status": "ok"}


def test_with_all_servers_it_is_ready(client, broker):
    response = client.get("/health/ready/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok", "cache": "ok"}


def test_without_broker_and_cache_posts_are_still_taken(client, settings):
    settings.BROKER_URL = "amqp://127.0.0.1:1//"
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/health/ready/")
    assert response.status_code == 200
    assert response.json()["broker"] == response.json()["cache"] == "unreachable"


def test_without_the_database_it_is_not_ready(client):
    def refuse(execute, sql, params, many, context):
        raise connection.Database.OperationalError("gone")

    with connection.execute_wrapper(refuse):
        response = client.get("/health/ready/")
    assert response.status_code == 503
    assert response.json()["database"] == "unreachable"
