"""The answer that each token gets, so that tests of a sender can make the push service fail."""

from dataclasses import dataclass

from devtools.push_service.conditions import Conditions

EVERYONE = "*"
CREATED = 201
MOVED = "/push/moved"

# Answers other than a prompt status, and the status that the client gets in the end (0 for none).
WORDS = {"slow": CREATED, "hang": 0, "reset": 0, "garbage": 0}


@dataclass(frozen=True)
class Answer:
    """A chosen answer. Raises ValueError for an impossible one.

    `how`: a status from 200 to 599, or slow (after `seconds`), hang, reset, garbage.
    `retry_after`: the header's value, seconds or an HTTP date.
    `location`: where a redirect points to, /push/moved by default.
    `first`: only so many requests get this answer, and later ones the normal one; None: all
    requests.
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
        """The status that the client will read; 0 for none."""
        return WORDS.get(self.how, self.how)

    @property
    def headers(self) -> dict[str, str]:
        moved = MOVED if 300 <= self.status < 400 else None
        chosen = {"Retry-After": self.retry_after, "Location": self.location or moved}
        return {name: str(value) for name, value in chosen.items() if value is not None}


NORMAL = Answer()


class AnswerBook:
    """The answer of each token; `*` stands for all tokens without an answer of their own."""

    def __init__(self):
        self.chosen: dict[str, Answer] = {}
        self.given: dict[str, int] = {}
        # These apply to every token without an answer.
        self.conditions = Conditions()

    def choose(self, token: str, answer: Answer) -> None:
        self.given[token] = 0
        self.chosen[token] = answer

    def forget(self, token: str) -> None:
        self.chosen.pop(token, None)

    def take(self, token: str) -> Answer:
        """Return the answer for the token's next request, and count it."""
        key = token if token in self.chosen else EVERYONE
        answer = self.chosen.get(key, NORMAL)
        if answer.first is not None:
            self.given[key] += 1
            if self.given[key] >= answer.first:
                self.forget(key)
        return answer
