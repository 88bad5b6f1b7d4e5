"""A whole run, from starting the servers to the outcome, and back to the state before it."""

import asyncio
import os
import shutil
from dataclasses import dataclass

from kombu import Connection

from devtools.demo import sandbox
from devtools.demo.chaos import Chaos
from devtools.demo.demand import Demand
from devtools.demo.keeping import keep
from devtools.demo.measurement import Measurement
from devtools.demo.mixture import NOTHING
from devtools.demo.outcome import Outcome
from devtools.demo.plan import Plan
from devtools.demo.verdict import judge
from devtools.lab import population
from devtools.lab.environment import ROOT, Environment
from devtools.lab.failure import Refused
from devtools.lab.population import INSIDE, Population
from devtools.lab.progress import Progress
from devtools.lab.receiver import NAME, Receiver
from devtools.lab.records import Records
from devtools.servers.services import Services


@dataclass(frozen=True)
class Options:
    """`rate` is in posts a second, `json` prints the outcome for programs, `keep` leaves everything
    running until Ctrl-C, `chaos` kills some processes during the run."""

    rate: float = 10.0
    json: bool = False
    keep: bool = False
    chaos: bool = False


def run(plan: Plan, options: Options, progress: Progress) -> bool:
    """Return True if nothing was missing or doubled. Raises ServerFailure."""
    services = Services(ROOT)
    if options.chaos and services.rabbitmq not in services.private:
        raise Refused("--chaos kills only a broker of its own: unset BROKER_URL")
    environment = Environment("demo", services)
    with (
        environment.exclusive(progress.stage),
        sandbox.serving(services, progress),
        sandbox.made(services.environment()) as own,
    ):
        shutil.rmtree(environment.home / "log", ignore_errors=True)
        receiver = Receiver(environment.home, own["VAPID_PRIVATE_KEY"])
        settings = {**os.environ, **own, **plan.mixture.settings}
        environment.prepare(settings, **{NAME: receiver.command})
        progress.stage(f"database {sandbox.DATABASE} made")
        people = populate(plan, environment, options, progress)
        with environment.running(progress):
            outcome = measure(plan, people, environment, receiver, options, progress)
            progress.lines(str(outcome))
            if options.json:
                print(outcome.to_json(), flush=True)
            if options.keep:
                keep(environment, people, plan, progress)
    return outcome.verdict.passed


def populate(
    plan: Plan, environment: Environment, options: Options, progress: Progress
) -> Population:
    graph, mixture = plan.graph, plan.mixture
    people = population.load(environment, graph, members=plan.members, operator=options.keep)
    if mixture.dormant:
        owners = [people.ids[user] for user in mixture.dormant]
        environment.ask(INSIDE, "dormant", given=owners)
    progress.stage(f"{graph.user_count:,} users and {graph.follow_count:,} follows loaded")
    if mixture != NOTHING:
        progress.stage(f"mixed in: {mixture}")
    return people


def measure(
    plan: Plan,
    people: Population,
    environment: Environment,
    receiver: Receiver,
    options: Options,
    progress: Progress,
) -> Outcome:
    demand = Demand(plan, senders_die=options.chaos)
    records = Records(environment.database_url)
    broker = environment.services.rabbitmq
    chaos = Chaos(environment.processes, broker, progress) if options.chaos else None
    measurement = Measurement(
        demand, people, environment, receiver, records, progress, options.rate, chaos
    )
    verdict = judge(demand, people.ids, asyncio.run(measurement.run()))
    progress.stage(f"{verdict.pushes.found:,} pushes decrypted, everything compared")
    reached = broker_version(environment.environ["BROKER_URL"]), records.server()
    return Outcome(verdict, *reached, progress.elapsed)


def broker_version(url: str) -> str:
    """For example "RabbitMQ 3.10.8"."""
    with Connection(url, connect_timeout=5) as connection:
        connection.connect()
        found = connection.connection.server_properties
    return f"{found['product']} {found['version']}"
