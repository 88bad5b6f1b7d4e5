"""The relay dies, loses its confirms, or has a colleague."""

import time

from faults.declaration import row
from faults.proxy import Way
from faults.scene import Scene
from faults.witness import Witness
from stack.processes import Command

DEATHS = 3
# A failpoint's count begins anew with each process: so many are claimed, or confirmed, in between.
EVENTS_A_LIFE = 10


def die_again_and_again(scene: Scene, failpoint: str) -> Witness:
    witness = Witness(scene)
    scene.begin_load()
    with scene.fault():
        for _ in range(DEATHS):
            scene.dress("relay", FAILPOINTS=f"{failpoint}=kill:{EVENTS_A_LIFE}")
            scene.dies("relay")
        scene.undress("relay")
    return witness


@row(3, "relay SIGKILL before the publish", "the relay died at the failpoint; published anew")
def dies_before_publish(scene: Scene) -> None:
    die_again_and_again(scene, "relay.before_publish")


@row(4, "relay SIGKILL after the confirm, before the mark", "died; messages seen twice")
def dies_after_confirm(scene: Scene) -> None:
    witness = die_again_and_again(scene, "relay.after_confirm")
    scene.count("messages seen twice", witness.doubled())


@row(5, "confirm lost: broker to relay is swallowed", "bytes swallowed; messages seen twice")
def confirm_lost(scene: Scene) -> None:
    witness = Witness(scene)
    proxy, url = scene.proxy("BROKER_URL")
    scene.dress("relay", BROKER_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.swallow(Way.BACK)
        # Longer than the relay waits for a confirm, so that it gives up on its own.
        time.sleep(12)
        proxy.heal()
    scene.until(lambda: witness.doubled(), "a message that comes twice")
    scene.count("bytes swallowed", proxy.disturbed)
    scene.count("messages seen twice", witness.doubled())


@row(6, "two relays", "both published; the longest wait in the outbox in figures")
def two_relays(scene: Scene) -> None:
    proxies = []
    command = scene.house.table["relay"]
    for name in ("relay", "relay-2"):
        proxy, url = scene.proxy("BROKER_URL")
        proxies.append((name, proxy))
        if name == "relay":
            scene.dress(name, BROKER_URL=url)
        else:
            scene.add(name, Command(command.arguments, command.tier, command.ready), BROKER_URL=url)
    opened = {name: proxy.passed[Way.OUT] for name, proxy in proxies}
    scene.begin_load()
    with scene.fault():
        time.sleep(15)
    for name, proxy in proxies:
        scene.count(f"bytes published by {name}", proxy.passed[Way.OUT] - opened[name])
    with scene.sql().cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM max(published_at - due_at))::float FROM events_outboxevent"
        )
        waited = cursor.fetchone()[0]
    scene.figures["longest_outbox_wait_s"] = round(waited, 2)
    scene.demand(waited < 5, f"an event waited {waited:.1f} s in the outbox")
