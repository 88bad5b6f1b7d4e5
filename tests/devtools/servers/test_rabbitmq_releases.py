"""Which RabbitMQ is started: the one that is asked for, the machine's own, or the newest."""

import pytest

from devtools.servers import apt
from devtools.servers.debian_rabbitmq import BrokerMissing
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq_releases import Releases
from tests.devtools.servers.installations import fake_programs, install

NO_APT = {"PATH": "/nonexistent"}
# As apt-get says it of a release of Debian that it cannot reach.
UNREACHABLE = """
    [ "$1" = update ] && { echo "W: Failed to fetch" >&2; exit 0; }
    echo "E: No packages found" >&2
    exit 100
"""


@pytest.fixture
def releases(tmp_path):
    """On a machine without a RabbitMQ."""
    return Releases(tmp_path / "unpacked", machine=tmp_path / "machine")


def chosen(releases: Releases, name: str = "") -> str:
    found = releases.install(name, NO_APT, say=print)
    assert releases.installation(found)
    assert releases.expected(name) == found
    return found


def test_the_machines_own_goes_before_a_newer_unpacked_one(releases, tmp_path):
    installed = install(tmp_path / "machine", "3.12.1")
    install(tmp_path / "unpacked/4.3", "4.3.6")
    assert chosen(releases) == chosen(releases, "machine") == "3.12"
    found = releases.installation("3.12")
    assert found.home == installed.resolve()
    assert found.environment("/usr/bin") == {"PATH": "/usr/bin"}


def test_of_unpacked_ones_the_newest_is_taken(releases, tmp_path):
    for version in ("3.10.8", "4.0.5", "3.9.1"):
        install(tmp_path / "unpacked" / version.rpartition(".")[0], version)
    assert chosen(releases) == "4.0"


def test_the_one_that_is_asked_for_is_taken(releases, tmp_path):
    install(tmp_path / "machine", "3.12.1")
    install(tmp_path / "unpacked/4.0", "4.0.5")
    assert chosen(releases, "4.0") == "4.0"
    assert releases.installation("4.0").root == tmp_path / "unpacked/4.0"


def test_the_machines_own_serves_where_its_version_is_asked_for(releases, tmp_path):
    install(tmp_path / "machine", "3.10.8")
    assert chosen(releases, "3.10") == "3.10"
    assert releases.installation("3.10").root is None


def test_a_machine_without_one_says_so(releases):
    with pytest.raises(BrokerMissing, match="this machine has no RabbitMQ"):
        releases.install("machine", NO_APT, say=print)


def test_a_version_that_nobody_has_is_refused_with_those_that_there_are(releases):
    with pytest.raises(ServerFailure, match=r"4\.1.*machine, 3\.10, 4\.0, 4\.3"):
        releases.install("4.1", NO_APT, say=print)


def test_where_the_newest_cannot_be_had_an_older_one_is_taken(releases, tmp_path, monkeypatch):
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    monkeypatch.setattr(apt, "KEYRINGS", [keyring])
    programs = fake_programs(
        tmp_path / "bin", apt_get=UNREACHABLE, apt_cache=UNREACHABLE, dpkg_deb=""
    )
    install(tmp_path / "unpacked/4.0", "4.0.5")
    said = []
    assert releases.install("", programs, said.append) == "4.0"
    assert len(said) == 1
    assert "RabbitMQ 4.3 cannot be downloaded" in said[0]
