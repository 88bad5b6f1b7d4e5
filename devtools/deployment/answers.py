"""What only the operator knows, asked for once: the names under which people reach Connectify."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from devtools.servers.credentials import write_private

HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")
# docker compose, kustomize and a shell read these files, and differ in what quotes mean in them.
UNSAFE = re.compile(r"[\s'\"$#\\`]")


class AnswerError(Exception):
    """An answer is missing or cannot be used; the message says which, and why."""


@dataclass(frozen=True)
class Answers:
    """`domain` is where the API is reached, `client_url` where the client's pages are."""

    domain: str
    client_url: str
    email_url: str
    from_email: str
    vapid_subject: str
    trusted_proxies: str = "1"


# What is asked for each, and what holds where nobody answers ("{domain}" is filled in).
QUESTIONS = {
    "domain": ("the host name of the API, such as api.example.com", ""),
    "client_url": ("the client's address, to which mails link, such as https://example.com", ""),
    "email_url": ("how mails are sent, such as smtp+tls://user:password@mail.example.com:587", ""),
    "from_email": ("the sender of mails", "connectify@{domain}"),
    "vapid_subject": ("where push services reach you: mailto: or https:", "mailto:push@{domain}"),
    "trusted_proxies": ("how many proxies of yours are in front of the web; with Caddy 1", "1"),
}


def complete(
    path: Path, given: Mapping[str, str], ask: Callable[[str, str, str], str] | None
) -> Answers:
    """The answers kept at `path`, replaced by those `given`; what then lacks is asked for.

    ask: gets a name, a question and the answer that holds without one; None where nobody can be
    asked. Raises AnswerError, and then writes nothing.
    """
    known = json.loads(path.read_text()) if path.exists() else {}
    answers = {**known, **given}
    for name, (question, usual) in QUESTIONS.items():
        if name in answers:
            continue
        usual = usual.format(**answers)
        if ask:
            answers[name] = ask(name, question, usual) or usual
        elif usual:
            answers[name] = usual
        else:
            raise AnswerError(missing(name))
    made = Answers(**{field.name: answers[field.name] for field in fields(Answers)})
    check(made)
    write_private(path, json.dumps(asdict(made), indent=1) + "\n")
    return made


def missing(name: str) -> str:
    question, _ = QUESTIONS[name]
    return f"--{name.replace('_', '-')} is missing: {question}"


def check(answers: Answers) -> None:
    """Raises AnswerError for the first answer that cannot be used."""
    for name, value in asdict(answers).items():
        if not value or UNSAFE.search(value):
            hint = "write it without spaces, quotes, $, # and backslashes; %24 stands for $ in URLs"
            raise AnswerError(f"{name} is {value!r}: {hint}")
    if not HOST.fullmatch(answers.domain):
        raise AnswerError(f"domain is {answers.domain!r}: it must be a host name in lower case")
    client = urlsplit(answers.client_url)
    if client.scheme != "https" or not HOST.fullmatch(client.hostname or ""):
        raise AnswerError(f"client_url is {answers.client_url!r}: it must begin with https://")
    if not re.fullmatch(r"[a-z+]+mail|smtp[a-z+]*", urlsplit(answers.email_url).scheme):
        raise AnswerError(f"email_url is {answers.email_url!r}: it must begin with smtp")
    if not re.fullmatch(r"\d{1,2}", answers.trusted_proxies):
        raise AnswerError(f"trusted_proxies is {answers.trusted_proxies!r}: it must be a number")
