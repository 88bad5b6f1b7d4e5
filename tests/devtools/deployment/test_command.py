"""bin/env: secrets are made once, and each service gets its own."""

import io
import stat
import sys

import pytest

from devtools.deployment import __main__ as command
from devtools.deployment import files
from devtools.deployment.variables import Places
from tests.devtools.deployment import written

GIVEN = (
    *("--domain", "api.example.com", "--client-url", "https://example.com"),
    *("--email-url", "smtp+tls://connectify:p%24ss@mail.example.com:587"),
)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "docker" / "env"


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch):
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)


def state(folder):
    paths = sorted(path for path in folder.parent.rglob("*") if path.is_file())
    return {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in paths}


def test_running_it_twice_changes_nothing(folder, capsys):
    assert command.main([*GIVEN, "--folder", str(folder)]) == 0
    before = state(folder)
    assert command.main(["--folder", str(folder)]) == 0
    assert state(folder) == before


def test_only_their_owner_can_read_the_files(folder, capsys):
    command.main([*GIVEN, "--folder", str(folder)])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.parent.rglob("*.*")}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_made_private_again(folder, capsys):
    command.main([*GIVEN, "--folder", str(folder)])
    (folder / "web.env").chmod(0o644)
    command.main(["--folder", str(folder)])
    assert stat.S_IMODE((folder / "web.env").stat().st_mode) == 0o600


def test_another_answer_changes_no_secret(folder, capsys):
    command.main([*GIVEN, "--folder", str(folder)])
    before = written.read_folder(folder)["web"]
    command.main(["--domain", "b.example.com", "--folder", str(folder)])
    after = written.read_folder(folder)["web"]
    assert after == before | {"ALLOWED_HOSTS": "b.example.com,web,localhost"}


def test_settings_of_the_operators_own_are_kept(folder, capsys):
    command.main([*GIVEN, "--folder", str(folder)])
    (folder / "settings.env").write_text("CANARY=0\n")
    command.main(["--folder", str(folder)])
    assert (folder / "settings.env").read_text() == "CANARY=0\n"


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--domain", "localhost", "it must be a host name"),
        ("--domain", "https://example.com", "it must be a host name"),
        ("--client-url", "http://example.com", "it must begin with https://"),
        ("--email-url", "mail.example.com", "it must begin with smtp"),
        ("--email-url", "smtp://a:b$c@mail.example.com", "%24 stands for $"),
        ("--trusted-proxies", "one", "it must be a number"),
    ],
)
def test_an_answer_that_cannot_be_used_writes_nothing(folder, capsys, option, value, problem):
    assert command.main([*GIVEN, option, value, "--folder", str(folder)]) == 2
    assert problem in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_what_nobody_has_answered_is_named(folder, capsys):
    assert command.main([*GIVEN[:4], "--folder", str(folder)]) == 2
    assert "--email-url is missing" in capsys.readouterr().err


def test_a_terminal_that_is_closed_instead_of_answering_is_no_answer(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Closed())
    assert command.main(["--folder", str(folder)]) == 2
    assert "--domain is missing" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


class Closed(io.StringIO):
    """A terminal whose user has typed Ctrl-D."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("name", ["answers.json", "secrets.json"])
def test_a_damaged_file_is_named_and_nothing_is_written(folder, capsys, name):
    command.main([*GIVEN, "--folder", str(folder)])
    (folder / name).write_text("{")
    before = state(folder)
    assert command.main(["--folder", str(folder)]) == 2
    assert f"{folder} is damaged" in capsys.readouterr().err
    assert state(folder) == before


def test_a_secret_is_with_those_alone_that_need_it():
    known = written.made_secrets()
    texts = files.contents(written.ANSWERS, known, Places())
    holders = {
        name: {service for service, text in texts.items() if secret in text}
        for name, secret in known.items()
    }
    everything = {"check", "manage"}
    sending = {"notifications-high-worker", "notifications-retry-worker"}
    assert holders["django"] == {"web", "maintenance-worker"} | everything
    assert holders["vapid"] == {"web"} | sending | everything
    assert holders["valkey"] == {"valkey", "web"} | sending | everything
    assert holders["postgres_superuser"] == {"postgres"}
    assert holders["rabbitmq_administrator"] == {"rabbitmq", "broker-users"} | everything
    assert holders["rabbitmq_monitoring"] == {"flower", "broker-users", "keda"} | everything
    assert holders["flower"] == {"flower"} | everything
    assert holders["metrics"] == {"web"} | everything
    assert holders["prometheus"] == set()
    without_database = {"beat", "flower", "broker-users", "rabbitmq", "valkey", "keda"}
    assert holders["postgres"] == texts.keys() - without_database
    assert holders["rabbitmq"] == texts.keys() - {"flower", "keda", "migrate", *files.SERVERS}


def test_a_value_is_read_alike_by_compose_kustomize_and_a_shell():
    texts = files.contents(written.ANSWERS, written.made_secrets(), Places())
    assert not any(set("'\"`$\\") & set(text) for text in texts.values())
