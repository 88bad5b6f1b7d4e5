"""bin/services env: what the operator has set wins, what it printed itself earlier does not."""

import base64
import json
import stat
from urllib.parse import unquote, urlsplit

import pytest

from devtools.servers.ports import Ports
from devtools.servers.postgres import Postgres
from devtools.servers.services import Services
from devtools.servers.valkey import Valkey

PORTS = {"postgres": 25432, "amqp": 25672, "management": 25673, "valkey": 26379}


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "a clone"
    (root / ".services").mkdir(parents=True)
    (root / ".services/ports.json").write_text(json.dumps(PORTS))
    return root


def test_every_url_names_the_private_server(root):
    found = Services(root, {}).environment()
    assert urlsplit(found["DATABASE_URL"]).port == PORTS["postgres"]
    assert urlsplit(found["DATABASE_URL"]).path == "/connectify"
    assert found["DATABASE_DIRECT_URL"] == found["DATABASE_URL"]
    assert urlsplit(found["BROKER_URL"]).path == "//"
    assert urlsplit(found["BROKER_MANAGEMENT_URL"]).port == PORTS["management"]
    assert urlsplit(found["REDIS_URL"]).path == "/0"
    assert {urlsplit(url).hostname for name, url in found.items() if name.endswith("_URL")} == {
        "127.0.0.1"
    }


def test_passwords_stay_the_same_and_are_for_their_owner_only(root):
    first, second = Services(root, {}), Services(root, {})
    assert first.environment() == second.environment()
    assert stat.S_IMODE((root / ".services/credentials.json").stat().st_mode) == 0o600


def test_the_push_key_is_a_p256_scalar_in_unpadded_base64url(root):
    key = Services(root, {}).environment()["VAPID_PRIVATE_KEY"]
    assert "=" not in key
    assert len(base64.urlsafe_b64decode(key + "=")) == 32


def test_a_variable_that_the_operator_has_set_wins(root):
    theirs = {"DATABASE_URL": "postgres://db.example/app", "SECRET_KEY": "theirs"}
    services = Services(root, theirs)
    found = services.environment()
    assert found["DATABASE_URL"] == found["DATABASE_DIRECT_URL"] == "postgres://db.example/app"
    assert found["SECRET_KEY"] == "theirs"
    assert services.private == [services.rabbitmq, services.valkey]


def test_an_empty_variable_counts_as_unset(root):
    services = Services(root, {"REDIS_URL": ""})
    assert services.valkey in services.private


def test_a_foreign_broker_has_no_management_address_unless_it_is_given(root):
    url = "amqp://broker.example//"
    assert "BROKER_MANAGEMENT_URL" not in Services(root, {"BROKER_URL": url}).environment()
    given = {"BROKER_URL": url, "BROKER_MANAGEMENT_URL": "http://broker.example:15672"}
    found = Services(root, given).environment()
    assert found["BROKER_MANAGEMENT_URL"] == "http://broker.example:15672"


def test_what_env_printed_earlier_is_not_taken_for_somebody_elses_server(root):
    printed = Services(root, {}).environment()
    (root / ".services/ports.json").write_text(json.dumps(PORTS | {"postgres": 25433}))
    services = Services(root, printed)
    assert len(services.private) == 3
    assert urlsplit(services.environment()["DATABASE_DIRECT_URL"]).port == 25433


@pytest.mark.parametrize("server", [Postgres, Valkey])
def test_a_password_is_quoted_in_its_url(root, server):
    odd = "p@ss/w:rd?#%"
    url = server(root / "home", Ports(root / ".services/ports.json"), odd, {}).url
    assert unquote(urlsplit(url).password) == odd
    assert urlsplit(url).hostname == "127.0.0.1"


def test_servers_do_not_inherit_settings_of_other_servers(root):
    services = Services(root, {"PATH": "/usr/bin", "PGPORT": "1", "RABBITMQ_NODENAME": "other"})
    assert services.postgres.environ["PATH"] == "/usr/bin"
    assert not {"PGPORT", "RABBITMQ_NODENAME"} & services.rabbitmq.environ.keys()
