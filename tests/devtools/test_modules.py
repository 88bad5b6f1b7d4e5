"""Every module of the tools can be imported. Some are used only by long benchmarks or fault runs,
which the usual tests leave out."""

import pkgutil
from importlib import import_module

import pytest

import devtools

# These need variables of the program that starts them.
STARTED_WITH_VARIABLES = {"devtools.bench.bare"}
MODULES = [
    module.name
    for module in pkgutil.walk_packages(devtools.__path__, "devtools.")
    if not module.name.endswith(("__main__", "_settings")) and not module.ispkg
]


@pytest.mark.parametrize("name", sorted(set(MODULES) - STARTED_WITH_VARIABLES))
def test_the_module_can_be_imported(name):
    import_module(name)
