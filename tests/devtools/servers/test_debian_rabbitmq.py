"""Downloading RabbitMQ, and what is said where there is no way to get it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.servers import debian_rabbitmq, rabbitmq_installation
from devtools.servers.debian_rabbitmq import BrokerMissing
from tests.devtools.servers.installations import fake_programs

ROOT = Path(__file__).resolve().parents[3]
FAILING = """
    [ "$1" = update ] && exit 0
    echo "E: Unable to fetch some archives" >&2
    exit 100
"""
# An archive whose only package has this version and an empty Erlang in it.
DELIVERING = {
    "apt_get": 'case "$1$2" in download--print*) echo "\'http://x\' x.deb 2500000 MD5:0";;'
    " download*) touch x.deb;; esac",
    "apt_cache": "echo rabbitmq-server",
    "dpkg_deb": """
        mkdir -p "$3/usr/lib/rabbitmq/lib/rabbitmq_server-4.4.1" "$3/usr/lib/erlang"
        mkdir -p "$3/usr/lib/x86_64-linux-gnu"
        touch "$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    """,
}


def test_apts_own_words_are_passed_on(tmp_path):
    environ = fake_programs(tmp_path / "bin", apt_get=FAILING, apt_cache=FAILING, dpkg_deb="exit 0")
    with pytest.raises(BrokerMissing, match=r"Unable to fetch some archives.*BROKER_URL"):
        debian_rabbitmq.download(tmp_path / "dist", environ, say=print)
    assert list((tmp_path / "dist").iterdir()) == []


def test_without_apt_get_the_message_says_what_to_install_or_set(tmp_path):
    with pytest.raises(BrokerMissing, match=r"apt-get install rabbitmq-server.*BROKER_URL"):
        debian_rabbitmq.download(tmp_path / "dist", {"PATH": "/nonexistent"}, say=print)


def test_what_was_downloaded_lies_below_its_series(tmp_path):
    environ = fake_programs(tmp_path / "bin", **DELIVERING)
    said = []
    found = debian_rabbitmq.download(tmp_path / "dist", environ, said.append)
    assert found.series == "4.4"
    assert rabbitmq_installation.unpacked(tmp_path / "dist/4.4") == found
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["4.4"]
    assert said == ["downloading RabbitMQ and Erlang, 2.5 MB …"]


def test_a_suite_that_has_moved_on_to_another_version_is_named(tmp_path):
    """As Debian's sid does."""
    environ = fake_programs(tmp_path / "bin", **DELIVERING)
    with pytest.raises(BrokerMissing, match=r"RabbitMQ 4\.3 cannot be downloaded .* has 4\.4"):
        debian_rabbitmq.download(tmp_path / "dist", environ, print, series="4.3")
    assert list((tmp_path / "dist").iterdir()) == []


def test_without_rabbitmq_and_apt_get_the_command_exits_with_3_and_starts_nothing(tmp_path):
    if rabbitmq_installation.on_machine():
        pytest.skip("RabbitMQ is installed on this machine")
    shutil.copytree(ROOT / "devtools", tmp_path / "devtools")
    done = subprocess.run(
        [sys.executable, "-m", "devtools.servers.services", "up"],
        cwd=tmp_path,
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".services/postgresql").exists()
