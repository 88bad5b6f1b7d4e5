"""The network between every process and PostgreSQL is gone for a minute: not a packet passes."""

import time
from collections.abc import Callable, Mapping

from faults.broker import STALE_SECONDS
from faults.celery_messages import send
from faults.database import query
from faults.declaration import row
from faults.proxy import Proxy
from faults.roll_call import demand_nobody_ended, everybody
from faults.rows.poison import LETTERS_QUEUE, OPEN, poison
from faults.scene import Scene
from faults.watch import BEHIND, LAST_POST
from stack.processes import WORKERS

BLACKHOLE_SECONDS = 60.0
# The web server's comes later, so that posts are taken while those behind it are cut off.
LATER_SECONDS = 20.0
BACK_SECONDS, LIMIT_SECONDS = 30.0, 90.0
LOOK_SECONDS = 0.5
VARIABLES = ("DATABASE_URL", "DATABASE_DIRECT_URL")
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM events_outboxevent"
UNPUBLISHED = """
    SELECT id FROM events_outboxevent WHERE published_at IS NULL AND id <= %(last)s LIMIT 1
"""
UNHANDLED = """
    SELECT id FROM events_outboxevent event
    WHERE exchange <> '' AND routing_key = 'post.created' AND id <= %(last)s AND NOT EXISTS (
        SELECT FROM events_inboxentry
        WHERE subscriber = %(subscriber)s AND event_id = event.event_id
    )
    LIMIT 1
"""

# Given the messages by queue, whether a kind of process is at work again.
Condition = Callable[[Mapping[str, int]], bool]


def poke(scene: Scene) -> None:
    """Work for those whom the load does not reach."""
    poison(scene, LETTERS_QUEUE, 1)
    for lanes, _ in WORKERS.values():
        for lane in lanes:
            send(scene, "analytics.roll_up", lane=lane)


def begin(scene: Scene, proxies: Mapping[str, Proxy]) -> None:
    for name, proxy in proxies.items():
        # Beat has nothing to ask PostgreSQL.
        if name == "beat":
            scene.figures["links_of_beat"] = proxy.connections
        else:
            scene.count(f"links of {name}", proxy.connections)
        proxy.blackhole()


def at_work(scene: Scene) -> dict[str, Condition]:
    """By name: what was there when this was called is done."""
    connection = scene.sql()
    letters = scene.poison
    post = query(connection, LAST_POST)[0][0]
    event = query(connection, LAST_EVENT)[0][0]
    asked_at = time.monotonic()

    def nothing(statement: str, last: int, **parameters: str) -> Condition:
        return lambda depths: not query(connection, statement, {"last": last, **parameters})

    def empty(*lanes: str) -> Condition:
        def seen(depths: Mapping[str, int]) -> bool:
            fresh = time.monotonic() - asked_at > STALE_SECONDS
            return fresh and not any(depths.get(lane) for lane in lanes)

        return seen

    return {
        "timelines": nothing(BEHIND, post),
        "relay": nothing(UNPUBLISHED, event),
        **{
            f"{subscriber}_consumer": nothing(UNHANDLED, event, subscriber=subscriber)
            for subscriber in scene.house.population.subscribers
        },
        "dead_letters_consumer": lambda depths: query(connection, OPEN)[0][0] >= letters,
        **{f"{name}_worker": empty(*lanes) for name, (lanes, _) in WORKERS.items()},
    }


def until_at_work(scene: Scene, conditions: Mapping[str, Condition]) -> None:
    """Wait until all are, and note after how many seconds from now each was."""
    begun = time.monotonic()
    waiting = dict(conditions)
    while waiting and time.monotonic() - begun < LIMIT_SECONDS:
        depths = scene.house.broker.depths()
        for name in [name for name, condition in waiting.items() if condition(depths)]:
            del waiting[name]
            scene.figures[f"{name}_back_s"] = after = round(time.monotonic() - begun, 1)
            scene.demand(after <= BACK_SECONDS, f"{name} was back after {after} s")
        time.sleep(LOOK_SECONDS)
    scene.demand(not waiting, f"not back within {LIMIT_SECONDS:.0f} s: {', '.join(waiting)}")


@row(
    39,
    "PostgreSQL's link blackholed for 60 s, for each kind of process",
    "links of each that were blackholed",
    limit=360,
)
def blackholed(scene: Scene) -> None:
    made = {name: scene.proxy("DATABASE_URL") for name in scene.house.table}
    scene.dress_all({name: dict.fromkeys(VARIABLES, url) for name, (_, url) in made.items()})
    proxies = {name: proxy for name, (proxy, _) in made.items()}
    web = proxies.pop("web")
    before = everybody(scene)
    load = scene.begin_load()
    poke(scene)
    time.sleep(5)
    with scene.fault():
        begin(scene, proxies)
        time.sleep(LATER_SECONDS)
        begin(scene, {"web": web})
        poke(scene)
        time.sleep(BLACKHOLE_SECONDS - LATER_SECONDS)
        for proxy in proxies.values():
            proxy.heal()
        poke(scene)
        healed_at = time.monotonic()
        until_at_work(scene, at_work(scene))
        time.sleep(max(healed_at + LATER_SECONDS - time.monotonic(), 0))
        web.heal()
    ended_at = scene.fault_ended_at
    until_at_work(
        scene,
        {"web": lambda _: any((a.accepted_at or 0) > ended_at for a in load.attempts)},
    )
    demand_nobody_ended(scene, before)
    scene.undress()
