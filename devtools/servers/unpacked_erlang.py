"""Makes Debian's unpacked Erlang run from any directory and on any distribution.

Its programs get the C library that was unpacked with them. The variable LD_LIBRARY_PATH would give
that library to the machine's own programs as well, which Erlang starts (sh, df) and which fail with
it.
"""

from pathlib import Path

LIBRARIES = "usr/lib/private"
# Each program is started by the unpacked loader, and sees its own name all the same.
LAUNCHER = """\
#!/bin/sh
libraries="$ERL_ROOTDIR/../private"
exec "$libraries/{loader}" --library-path "$libraries" --argv0 "$0" "$ERL_ROOTDIR/{program}" "$@"
"""
ELF = b"\x7fELF"


def make_movable(root: Path) -> None:
    """Change what was unpacked into root. Raises OSError where it is not what is expected."""
    _gather_libraries(root)
    erlang = root / "usr/lib/erlang"
    loader = next((root / LIBRARIES).glob("ld-linux*.so.*"), None)
    if loader is None:
        raise FileNotFoundError("there is no loader among the unpacked libraries")
    for path in [path for path in erlang.rglob("*") if path.is_file() and not path.is_symlink()]:
        with path.open("rb") as file:
            start = file.read(4)
        if start.startswith(b"#!"):
            _follow_variable(path)
        elif start == ELF and path.stat().st_mode & 0o100 and path.suffix != ".so":
            _launch_by(loader.name, path, erlang)


def _gather_libraries(root: Path) -> None:
    """In one directory, whose name no machine uses: up to Debian 12 some lie below /lib."""
    target = root / LIBRARIES
    target.mkdir(parents=True)
    for place in [*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")]:
        for path in place.iterdir():
            path.rename(target / path.name)
        place.rmdir()


def _follow_variable(script: Path) -> None:
    """Debian's scripts name /usr/lib/erlang; let them follow ERL_ROOTDIR instead."""
    old, new = b"ROOTDIR=/usr/lib/erlang", b'ROOTDIR="${ERL_ROOTDIR:-/usr/lib/erlang}"'
    script.write_bytes(script.read_bytes().replace(old, new))


def _launch_by(loader: str, path: Path, erlang: Path) -> None:
    program = path.rename(path.with_name(f"{path.name}.elf"))
    path.write_text(LAUNCHER.format(loader=loader, program=program.relative_to(erlang)))
    path.chmod(0o755)
