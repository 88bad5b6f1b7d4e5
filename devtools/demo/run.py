"""A whole run, from the servers to the outcome, and back to where it began."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from kombu import Connection

from devtools.demo import population, sandbox
from devtools.demo.chaos import Chaos
from devtools.demo.company import Company, alone
from devtools.demo.demand import Demand
from devtools.demo.failure import Refused
from devtools.demo.keeping import keep
from devtools.demo.measurement import Measurement
from devtools.demo.mixture import NOTHING
from devtools.demo.outcome import Outcome
from devtools.demo.population import Population
from devtools.demo.records import Records
from devtools.demo.scenario import Scenario
from devtools.demo.servers import serving
from devtools.demo.verdict import judge
from devtools.lab.progress import Progress
from devtools.servers import databases
from devtools.servers.services import Services

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "ALLOWED_HOSTS": "127.0.0.1,localhost",
    "PUSH_ALLOW_LOOPBACK": "1",
    "LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "connectify.settings",
}


@dataclass(frozen=True)
class Options:
    """`rate` in posts a second; `json` for machines; `keep` what runs until Ctrl-C; `chaos` kills
    some of it meanwhile."""

    rate: float = 10.0
    json: bool = False
    keep: bool = False
    chaos: bool = False


def run(scenario: Scenario, options: Options, progress: Progress) -> bool:
    """Whether nothing was missing or doubled. Raises DemoFailure and ServerFailure."""
    services = Services(ROOT)
    if options.chaos and services.rabbitmq not in services.private:
        raise Refused("--chaos kills only a broker of its own: unset BROKER_URL")
    home = services.state / "demo"
    with (
        alone(home, progress),
        serving(services, progress),
        sandbox.made(services.environment()) as own,
    ):
        environ = {**os.environ, **own, **SETTINGS, **scenario.mixture.settings}
        databases.migrate(ROOT, environ)
        progress.stage(f"database {sandbox.DATABASE} made")
        people = population.load(scenario, ROOT, environ, operator=options.keep)
        graph = scenario.graph
        progress.stage(f"{graph.user_count:,} users and {graph.follow_count:,} follows loaded")
        if scenario.mixture != NOTHING:
            progress.stage(f"mixed in: {scenario.mixture}")
        company = Company(ROOT, home, environ)
        demand = Demand(scenario, senders_die=options.chaos)
        chaos = Chaos(company.processes, services.rabbitmq, progress) if options.chaos else None
        with company.running(progress):
            outcome = measure(demand, people, company, options.rate, environ, progress, chaos)
            progress.lines(str(outcome))
            if options.json:
                print(outcome.to_json(), flush=True)
            if options.keep:
                keep(company, people, scenario, environ, progress)
    return outcome.verdict.passed


def measure(
    demand: Demand,
    people: Population,
    company: Company,
    rate: float,
    environ: dict[str, str],
    progress: Progress,
    chaos: Chaos | None,
) -> Outcome:
    records = Records(environ["DATABASE_DIRECT_URL"])
    measurement = Measurement(
        demand=demand,
        population=people,
        processes=company.processes,
        progress=progress,
        records=records,
        database_url=environ["DATABASE_DIRECT_URL"],
        origin=company.origin,
        push_origin=company.push_origin,
        rate=rate,
        chaos=chaos,
    )
    findings = asyncio.run(measurement.run())
    verdict = judge(demand, people.ids, findings)
    progress.stage(f"{verdict.pushes.found:,} pushes decrypted, everything compared")
    return Outcome(verdict, broker(environ["BROKER_URL"]), records.server(), progress.elapsed)


def broker(url: str) -> str:
    """Such as "RabbitMQ 3.10.8"."""
    with Connection(url, connect_timeout=5) as connection:
        connection.connect()
        told = connection.connection.server_properties
    return f"{told['product']} {told['version']}"
