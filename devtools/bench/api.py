"""bin/bench api: compare the API with bare Django views that check the same token and throttle, run
the same SQL and return the same bytes. 32 clients send requests to one, then to the other."""

import argparse
from collections.abc import Mapping
from statistics import median

from devtools.bench.benchmark import Benchmark, Figures, at_least
from devtools.bench.clients import load, written
from devtools.bench.environment import opened
from devtools.lab.latency import Percentiles
from devtools.lab.progress import Progress
from devtools.processes.table import web

ROUNDS = 5
WARM_UP_SECONDS = 1.0
# The throttle counts as in production, but nobody reaches these quotas.
QUOTAS = "user=1000000000;token=1000000000;address=1000000000"
SETTINGS = {"THROTTLE": "1"} | {f"THROTTLE_{scope}": QUOTAS for scope in ("READ", "POST", "FOLLOW")}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=4.0, help="of each of 30 loads (4)")


def run(options: argparse.Namespace, progress: Progress) -> Figures:
    with opened(progress, **SETTINGS) as environment:
        progress.stage("recording what Connectify does")
        recorded = str(environment.home / "recorded")
        plan = environment.ask("devtools.bench.recorded", recorded)
        environment.ports.claim("bare")
        bare = environment.supervise(
            {"bare": web(environment.ports["bare"])},
            DJANGO_SETTINGS_MODULE="devtools.bench.bare_settings",
            BENCH_RECORDED=recorded,
        )
        origins = {"": environment.origin, "bare_": f"http://127.0.0.1:{environment.ports['bare']}"}
        try:
            environment.processes.start("web")
            bare.start()
            environment.processes.wait_ready("web")
            bare.wait_ready()
            figures: Figures = {}
            for name in plan["requests"]:
                progress.stage(f"asking: {name}")
                figures |= compare(name, plan, origins, options.seconds)
            return figures
        finally:
            bare.stop()


def compare(name: str, plan: dict, origins: Mapping[str, str], seconds: float) -> Figures:
    """Load both in turn, several times, so that other load on the machine affects both alike."""
    rates: dict[str, list[float]] = {prefix: [] for prefix in origins}
    latencies: dict[str, list[float]] = {prefix: [] for prefix in origins}
    for number in range(ROUNDS + 1):
        for prefix, origin in origins.items():
            host = origin.rpartition("/")[2]
            scripts = [
                [written(host, token, *request) for request in plan["requests"][name]]
                for token in plan["tokens"]
            ]
            if number == 0:
                load(origin, scripts, WARM_UP_SECONDS)
                continue
            found = load(origin, scripts, seconds)
            rates[prefix].append(len(found) / seconds)
            latencies[prefix] += found
    figures: Figures = {}
    for prefix in origins:
        figures[f"{prefix}{name}_requests_per_s"] = median(rates[prefix])
        figures[f"{prefix}{name}_p99_s"] = Percentiles.of(latencies[prefix]).p99
    pairs = zip(rates[""], rates["bare_"], strict=True)
    figures[f"{name}_ratio"] = median(ours / bare for ours, bare in pairs)
    return figures


BENCHMARK = Benchmark(
    name="api",
    summary="requests a second beside bare Django views that do the same",
    add_options=add_options,
    run=run,
    required={"timeline_ratio": at_least(0.4), "post_ratio": at_least(0.4)},
)
