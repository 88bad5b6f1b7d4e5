"""bin/bench: measure Connectify on private servers that are made for the run and stopped after it.

Exit status: 0 if every figure meets its requirement, 1 if one does not or the benchmark could not
run, 2 for a wrong argument, 3 if another run is still going on, 130 after Ctrl-C.
"""

import argparse
import json
import sys

from devtools.bench import api, backlog, day, fanout, latency, overhead, push, read
from devtools.bench.benchmark import Benchmark, Figures
from devtools.lab import interruption
from devtools.lab.progress import Progress
from devtools.servers.process import ServerFailure

MODULES = (api, backlog, day, fanout, latency, overhead, push, read)
BENCHMARKS: dict[str, Benchmark] = {module.BENCHMARK.name: module.BENCHMARK for module in MODULES}
INTERRUPTED = 130


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for benchmark in BENCHMARKS.values():
        options = names.add_parser(benchmark.name, help=benchmark.summary)
        options.add_argument("--json", action="store_true", help="one JSON object")
        benchmark.add_options(options)
    return parser.parse_args(arguments)


def show(benchmark: Benchmark, figures: Figures) -> None:
    for name, figure in figures.items():
        shown = f"{figure:,.3f}" if isinstance(figure, float) else figure
        bound = benchmark.required.get(name)
        print(f"{name:>28}  {shown}" + (f"  ({bound})" if bound else ""))


def main() -> int:
    given = parse_arguments()
    benchmark = BENCHMARKS[given.name]
    interruption.as_ctrl_c()
    try:
        figures = benchmark.run(given, Progress(sys.stderr))
    except ServerFailure as failure:
        print(f"bin/bench: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    if given.json:
        print(json.dumps(figures))
    else:
        show(benchmark, figures)
    short = benchmark.short(figures)
    for line in short:
        print(f"bin/bench: {line}", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
