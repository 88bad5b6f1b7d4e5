"""The web server dies in the middle of a request."""

from devtools.faults.declaration import scenario
from devtools.faults.run import Run

LOST = "was sent SIGKILL"
POSTS_A_LIFE = 8
DEATHS = 4


def web_dies(run: Run, failpoint: str) -> None:
    """Each process of the web server dies at its Nth post, and so does its replacement."""
    deaths = run.logged("web", LOST)
    run.restart("web", FAILPOINTS=f"{failpoint}=kill:{POSTS_A_LIFE}")
    run.until(run.table["web"].ready, "the web server")
    load = run.begin_load()
    with run.fault():
        run.until(lambda: deaths() >= DEATHS, "deaths of the web server", 40)
        run.restore("web")
    run.count("processes died at the failpoint", deaths())
    run.count("requests without an answer", sum(a.failed for a in load.attempts))


@scenario(1, "web SIGKILL before COMMIT", "processes died; requests without an answer")
def dies_before_commit(run: Run) -> None:
    web_dies(run, "social.posts.before_commit")


@scenario(2, "web SIGKILL after COMMIT, before the reply", "processes died; answers given again")
def dies_before_reply(run: Run) -> None:
    web_dies(run, "social.api.posts.before_reply")
    run.until(
        lambda: any(a.replayed for a in run.load.attempts),
        "a post that the same Idempotency-Key returns",
    )
    run.count("posts returned by their key", sum(a.replayed for a in run.load.attempts))
