"""Is the oracle awake? Rows with one guard switched off, each of which must fail.

The repairs that run by the clock would mend two of the losses within minutes, and so are off too.
"""

import time
from dataclasses import dataclass, replace

from faults.commands import with_app
from faults.declaration import Row
from faults.proxy import Way
from faults.rows.database import execute
from faults.rows.worker import WORKER, children_die
from faults.scene import Scene

LIMIT_SECONDS = 45.0
# Rows may then stand there twice, and a slice that was written is written again.
DROP_KEY = "ALTER TABLE timelines_timelineentry DROP CONSTRAINT timelines_timelineentry_pkey"
FORGET = """
    CREATE FUNCTION faults_forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER faults_forget BEFORE INSERT ON timelines_slicerecord
        FOR EACH ROW EXECUTE FUNCTION faults_forget();
"""


@dataclass(frozen=True)
class Proof:
    """`row` must fail, with some `kind` ("lost" or "duplicates") found."""

    name: str
    row: Row
    kind: str


def without_healing(scene: Scene) -> None:
    scene.dress("beat", with_app(scene.house.table["beat"], "faults.apps.unhealed"))


def early_acks(scene: Scene) -> None:
    without_healing(scene)
    command = with_app(scene.house.table[WORKER], "faults.apps.early_acks")
    children_die(scene, "timelines.in_slice", command)


def no_confirms(scene: Scene) -> None:
    without_healing(scene)
    proxy, url = scene.proxy("BROKER_URL")
    command = replace(scene.house.table["relay"], arguments=("-m", "faults.unconfirmed_relay"))
    scene.dress("relay", command, BROKER_URL=url)
    scene.begin_load()
    with scene.fault():
        proxy.swallow(Way.OUT)
        time.sleep(4)
        scene.kill("relay")
        proxy.heal()
        scene.undress("relay")
    scene.count("bytes swallowed", proxy.disturbed)


def no_unique_key(scene: Scene) -> None:
    without_healing(scene)
    connection = scene.sql()
    execute(connection, DROP_KEY)
    execute(connection, FORGET)
    children_die(scene, "timelines.after_commit")


def proof(name: str, act, kind: str) -> Proof:
    return Proof(name, Row(name, f"without {name}", "", act, LIMIT_SECONDS), kind)


PROOFS = {
    each.name: each
    for each in (
        proof("late acks", early_acks, "lost"),
        proof("confirms", no_confirms, "lost"),
        proof("unique key", no_unique_key, "duplicates"),
    )
}
