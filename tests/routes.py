"""Every route of the API and its methods, from the resolver itself."""

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

API = "api/v1/"


class Route(NamedTuple):
    """`parameters` are the names of its ids."""

    name: str
    method: str
    parameters: tuple[str, ...]
    view: type

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
            for method in ("get", "post", "put", "patch", "delete"):
                if hasattr(entry.callback.cls, method):
                    yield Route(entry.name, method, parameters, entry.callback.cls)
