"""The files of bin/env, as tests read them."""

from pathlib import Path

from devtools.deployment import files
from devtools.deployment.answers import Answers
from devtools.deployment.variables import GENERATORS, Places

ANSWERS = Answers(
    domain="api.example.com",
    client_url="https://example.com",
    email_url="smtp+tls://connectify:p%24ss@mail.example.com:587",
    from_email="connectify@example.com",
    vapid_subject="mailto:push@example.com",
)


def made_secrets() -> dict[str, str]:
    return {name: make() for name, make in GENERATORS.items()}


def read(text: str) -> dict[str, str]:
    """The variables of a file, as compose and kustomize read them: without quotes."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def read_folder(folder: Path) -> dict[str, dict[str, str]]:
    """By the service's name."""
    return {path.stem: read(path.read_text()) for path in folder.glob("*.env")}


def service(name: str) -> dict[str, str]:
    """What a service of the compose file gets."""
    return read(files.contents(ANSWERS, made_secrets(), Places())[name])
