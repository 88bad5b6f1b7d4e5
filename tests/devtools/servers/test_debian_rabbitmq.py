"""Finding RabbitMQ, and what is said where there is none and no way to get it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.servers import debian_rabbitmq
from devtools.servers.debian_rabbitmq import BrokerMissing

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server"


def install(root: Path) -> Path:
    """An installation as Debian's package lays it out; its own directory."""
    program = root / PROGRAM
    program.parent.mkdir(parents=True)
    program.touch()
    (root / "usr/lib/rabbitmq/bin").mkdir()
    link = root / "usr/lib/rabbitmq/bin/rabbitmq-server"
    link.symlink_to(os.path.relpath(program, link.parent))
    return program.parent.parent


def fake_programs(directory: Path, **scripts: str) -> dict[str, str]:
    directory.mkdir()
    for name, script in scripts.items():
        path = directory / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_the_machines_own_rabbitmq_goes_before_an_unpacked_one(tmp_path):
    installed = install(tmp_path / "machine")
    install(tmp_path / "unpacked")
    found = debian_rabbitmq.find(tmp_path / "unpacked", machine=tmp_path / "machine")
    assert found.home == installed.resolve()
    assert found.environment("/usr/bin") == {"PATH": "/usr/bin"}


def test_unpacked_packages_bring_their_own_erlang_and_libraries(tmp_path):
    unpacked = tmp_path / "un packed"
    home = install(unpacked)
    for directory in ("usr/lib/erlang/bin", "usr/lib/x86_64-linux-gnu"):
        (unpacked / directory).mkdir(parents=True)
    found = debian_rabbitmq.find(unpacked, machine=tmp_path / "bare")
    variables = found.environment("/usr/bin")
    assert found.home == home
    assert variables["PATH"].startswith(f"{unpacked}/usr/bin:")
    assert variables["LD_LIBRARY_PATH"] == f"{unpacked}/usr/lib/x86_64-linux-gnu"
    assert variables["ERL_ROOTDIR"] == f"{unpacked}/usr/lib/erlang"


def test_unpacked_erlang_scripts_follow_the_variable(tmp_path):
    scripts = tmp_path / "usr/lib/erlang/erts-13/bin"
    scripts.mkdir(parents=True)
    (scripts / "erl").write_text("#!/bin/sh\nROOTDIR=/usr/lib/erlang\necho $ROOTDIR\n")
    (scripts / "beam.smp").write_bytes(b"\x7fELF ROOTDIR=/usr/lib/erlang")
    debian_rabbitmq.relocate_erlang(tmp_path)
    done = subprocess.run(
        ["sh", scripts / "erl"], env={"ERL_ROOTDIR": "/a b"}, capture_output=True, text=True
    )
    assert done.stdout == "/a b\n"
    assert (scripts / "beam.smp").read_bytes() == b"\x7fELF ROOTDIR=/usr/lib/erlang"


def test_apts_own_words_are_passed_on(tmp_path):
    failing = """
        [ "$1" = update ] && exit 0
        echo "E: Unable to fetch some archives" >&2
        exit 100
    """
    environ = fake_programs(tmp_path / "bin", apt_get=failing, dpkg_deb="exit 0")
    with pytest.raises(BrokerMissing, match=r"Unable to fetch some archives.*BROKER_URL"):
        debian_rabbitmq.download(tmp_path / "unpacked", environ, say=print)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_without_apt_get_the_message_says_what_to_install_or_set(tmp_path):
    with pytest.raises(BrokerMissing, match=r"apt-get install rabbitmq-server.*BROKER_URL"):
        debian_rabbitmq.download(tmp_path / "unpacked", {"PATH": "/nonexistent"}, say=print)


def test_without_rabbitmq_and_apt_get_the_command_exits_with_3_and_starts_nothing(tmp_path):
    if debian_rabbitmq.find(tmp_path / "none"):
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
