"""The web server dies in the middle of a request."""

from devtools.faults.declaration import row
from devtools.faults.scene import Scene

LOST = "was sent SIGKILL"
POSTS_A_LIFE = 8
DEATHS = 4


def web_dies(scene: Scene, failpoint: str) -> None:
    """Each process of the web server dies at its Nth post, and its replacement does the same."""
    deaths = scene.logged("web", LOST)
    scene.dress("web", FAILPOINTS=f"{failpoint}=kill:{POSTS_A_LIFE}")
    scene.until(scene.house.table["web"].ready, "the web server")
    load = scene.begin_load()
    with scene.fault():
        scene.until(lambda: deaths() >= DEATHS, "deaths of the web server", 40)
        scene.undress("web")
    scene.count("processes died at the failpoint", deaths())
    scene.count("requests without an answer", sum(a.failed for a in load.attempts))


@row(1, "web SIGKILL before COMMIT", "processes died; requests without an answer")
def dies_before_commit(scene: Scene) -> None:
    web_dies(scene, "social.posts.before_commit")


@row(2, "web SIGKILL after COMMIT, before the reply", "processes died; answers given again")
def dies_before_reply(scene: Scene) -> None:
    web_dies(scene, "social.api.posts.before_reply")
    scene.until(
        lambda: any(a.replayed for a in scene.load.attempts),
        "a post that the same Idempotency-Key returns",
    )
    scene.count("posts returned by their key", sum(a.replayed for a in scene.load.attempts))
