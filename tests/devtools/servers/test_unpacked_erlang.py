"""Unpacked programs run with their own libraries, from wherever they are."""

import shutil
import subprocess
import sys

import pytest

from devtools.servers import rabbitmq_installation, unpacked_erlang
from tests.devtools.servers.installations import install

PROGRAM = "usr/lib/erlang/erts-13/bin/tell"


@pytest.fixture
def root(tmp_path):
    """A directory with a space in its name, which holds a loader that only says what it is told."""
    root = tmp_path / "un packed"
    install(root)
    for directory in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"):
        (root / directory).mkdir(parents=True)
    loader = root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    loader.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    loader.chmod(0o755)
    (root / "usr/lib/x86_64-linux-gnu/libz.so.1").touch()
    program = root / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_bytes(b"\x7fELF ROOTDIR=/usr/lib/erlang")
    program.chmod(0o755)
    return root


def run(root, program: str, *arguments: str) -> list[str]:
    environ = rabbitmq_installation.unpacked(root).environment("/usr/bin:/bin")
    done = subprocess.run(
        [root / program, *arguments], env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_a_program_is_started_by_its_own_loader_with_its_own_libraries(root):
    unpacked_erlang.make_movable(root)
    said = run(root, PROGRAM, "a b", "c")
    libraries = f"{root}/usr/lib/erlang/../private"
    program = f"{root}/usr/lib/erlang/erts-13/bin/tell.elf"
    name = f"{root}/{PROGRAM}"
    assert said == ["--library-path", libraries, "--argv0", name, program, "a b", "c"]


def test_the_libraries_of_both_places_lie_together(root):
    unpacked_erlang.make_movable(root)
    private = root / unpacked_erlang.LIBRARIES
    assert {path.name for path in private.iterdir()} == {"ld-linux-x86-64.so.2", "libz.so.1"}


def test_it_still_runs_when_it_was_moved(root, tmp_path):
    unpacked_erlang.make_movable(root)
    moved = tmp_path / "else where"
    root.rename(moved)
    assert run(moved, PROGRAM)[-1] == f"{moved}/usr/lib/erlang/erts-13/bin/tell.elf"


def test_scripts_follow_the_variable_and_shared_objects_stay_as_they_are(root):
    script = root / "usr/lib/erlang/bin/erl"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nROOTDIR=/usr/lib/erlang\necho $ROOTDIR\n")
    script.chmod(0o755)
    shared = root / "usr/lib/erlang/lib/crypto.so"
    shared.parent.mkdir()
    shared.write_bytes(b"\x7fELF ROOTDIR=/usr/lib/erlang")
    shared.chmod(0o755)
    unpacked_erlang.make_movable(root)
    assert run(root, "usr/lib/erlang/bin/erl") == [f"{root}/usr/lib/erlang"]
    assert shared.read_bytes() == b"\x7fELF ROOTDIR=/usr/lib/erlang"


def test_a_real_program_finds_its_libraries_and_the_machines_programs_keep_theirs(root):
    """With a copy of this machine's loader and of a program that starts another."""
    for directory in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"):
        shutil.rmtree(root / directory)
    python = shutil.which("sh")
    needed = subprocess.run(["ldd", python], capture_output=True, text=True).stdout
    if "ld-linux" not in needed:
        pytest.skip("this machine's programs are not linked to glibc")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir()
    for line in needed.splitlines():
        words = [word for word in line.split() if word.startswith("/")]
        for word in words:
            shutil.copy(word, libraries)
    shutil.copy(python, root / PROGRAM)
    unpacked_erlang.make_movable(root)
    code = "import os; print(os.environ.get('LD_LIBRARY_PATH'))"
    assert run(root, PROGRAM, "-c", f'"{sys.executable}" -c "{code}"') == ["None"]
