"""Answers as told: what to reply to which token, for tests of a sender's nerves."""

from dataclasses import dataclass

from devtools.push_service.conditions import Conditions

EVERYONE = "*"
CREATED = 201
MOVED = "/push/moved"

# Replies that are no prompt HTTP status, and the status that the client gets after all.
WORDS = {"slow": CREATED, "hang": 0, "reset": 0, "garbage": 0}


@dataclass(frozen=True)
class Answer:
    """One told answer; raises ValueError for what cannot be answered.

    `how`: a status from 200 to 599, or slow (after `seconds`), hang, reset, garbage.
    `retry_after`: the header's value, seconds or an HTTP date.
    `location`: where a redirect points to, /push/moved by default.
    `first`: so many requests get this answer, then all is well again; None: all requests.
    """

    how: int | str = CREATED
    retry_after: int | str | None = None
    seconds: float = 1.0
    location: str | None = None
    first: int | None = None

    def __post_init__(self):
        if self.how not in WORDS and self.how not in range(200, 600):
            raise ValueError(f"how is a status from 200 to 599 or one of {', '.join(WORDS)}")
        if self.first is not None and self.first < 1:
            raise ValueError("first counts requests from 1")

    @property
    def status(self) -> int:
        """The status that the client will read, 0 for none."""
        return WORDS.get(self.how, self.how)

    @property
    def headers(self) -> dict[str, str]:
        moved = MOVED if 300 <= self.status < 400 else None
        told = {"Retry-After": self.retry_after, "Location": self.location or moved}
        return {name: str(value) for name, value in told.items() if value is not None}


NORMAL = Answer()


class AnswerBook:
    """What was told for which token; `*` stands for every token without an answer of its own."""

    def __init__(self):
        self.told: dict[str, Answer] = {}
        self.given: dict[str, int] = {}
        # How it is for every token to which nothing was told.
        self.conditions = Conditions()

    def tell(self, token: str, answer: Answer) -> None:
        self.given[token] = 0
        self.told[token] = answer

    def forget(self, token: str) -> None:
        self.told.pop(token, None)

    def take(self, token: str) -> Answer:
        """The answer for the next request of this token, which thereby counts as given."""
        key = token if token in self.told else EVERYONE
        answer = self.told.get(key, NORMAL)
        if answer.first is not None:
            self.given[key] += 1
            if self.given[key] >= answer.first:
                self.forget(key)
        return answer
