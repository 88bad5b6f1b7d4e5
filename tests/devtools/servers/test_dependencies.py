"""What is downloaded beside a package, by what apt-cache prints."""

import re

from devtools.servers.dependencies import closure

PRINTED = """\
server
  Depends: adduser
 |Depends: erlang-nox
  Depends: erlang-base
  Depends: <erlang-abi-17.0>
    erlang-base
  Depends: socat
adduser
  Depends: libadduser
libadduser
erlang-base
  PreDepends: libc6
 |Depends: libold
  Depends: libnew
  Suggests: erlang-manpages
socat
libc6
  Depends: erlang-base
libnew
libold
"""
BELONGS = re.compile("server|erlang-.+|lib.+")


def test_what_is_needed_is_followed_through_packages_that_belong_to_it():
    assert closure(PRINTED, "server", BELONGS) == ["erlang-base", "libc6", "libold", "server"]


def test_a_need_that_another_alternative_meets_already_adds_nothing():
    twice = PRINTED.replace("  Depends: adduser", "  Depends: libnew")
    assert closure(twice, "server", BELONGS).count("libold") == 0
