"""What Debian packages need, as `apt-cache depends --recurse` prints it."""

import re

# "  Depends: name", "  PreDepends: name"; a bar before it where the next line is an alternative.
EDGE = re.compile(r"^ ( |\|)(?:Pre)?Depends: (\S+)$")


def closure(printed: str, package: str, belongs: re.Pattern) -> list[str]:
    """The package and those that it needs, through packages whose names match `belongs` only.

    Of alternatives the first one that matches is taken.
    """
    needs = _needs(printed)
    found, waiting = {package}, [package]
    while waiting:
        for alternatives in needs.get(waiting.pop(), []):
            fitting = [name for name in alternatives if name in needs and belongs.fullmatch(name)]
            if fitting and not found.intersection(fitting):
                found.add(fitting[0])
                waiting.append(fitting[0])
    return sorted(found)


def _needs(printed: str) -> dict[str, list[list[str]]]:
    """By package, each need as the list of its alternatives. Virtual packages, which are printed
    in angle brackets, are no keys."""
    needs: dict[str, list[list[str]]] = {}
    package, open_ended = "", False
    for line in printed.splitlines():
        if line and not line[0].isspace():
            package, open_ended = line, False
            needs.setdefault(package, [])
        elif edge := EDGE.match(line):
            if not open_ended:
                needs[package].append([])
            needs[package][-1].append(edge[2])
            open_ended = edge[1] == "|"
    return needs
