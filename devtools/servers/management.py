"""RabbitMQ's management API."""

from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 10


class ManagementApi:
    """The API at a URL with user and password. Each method raises OSError if it gets no answer, and
    its subclass requests.HTTPError if it is refused."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self, *path: str) -> list[dict]:
        return self.call("GET", *path).json()

    def call(self, method: str, *path: str) -> requests.Response:
        """`path` consists of parts, which are quoted."""
        parts = "/".join(quote(part, safe="") for part in path)
        answer = requests.request(method, f"{self._url}/api/{parts}", timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer
