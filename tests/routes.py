"""Every route of the API and its methods, from the resolver itself."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

API = "api/v1/"


class Route(NamedTuple):
    """`path` as the API's description has it; `parameters` are the names of its ids."""

    name: str
    method: str
    path: str
    parameters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.name}"


def routes() -> list[Route]:
    return sorted(_routes(get_resolver().url_patterns, ""), key=str)


def _routes(patterns, prefix: str) -> Iterator[Route]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and path.startswith(API):
            parameters = tuple(entry.pattern.converters)
            described = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path).replace("{pk}", "{id}")
            view = entry.callback.cls
            for method in ("get", "post", "put", "patch", "delete"):
                if method in view.http_method_names and hasattr(view, method):
                    yield Route(entry.name, method, described, parameters)
