"""bin/env: write the passwords and keys of docker/compose.yaml, each service's in its own file.

Passwords are made once and kept in docker/env/secrets.json. Running it again changes nothing; an
option changes that answer.
"""

import argparse
import sys
from pathlib import Path

from devtools.deployment import answers, files
from devtools.deployment.variables import GENERATORS, Places
from devtools.servers import credentials

DOCKER = Path(__file__).resolve().parents[2] / "docker"


def ask(name: str, question: str, usual: str) -> str:
    """Raises AnswerError at the end of the input."""
    hint = f" [{usual}]" if usual else ""
    try:
        return input(f"{question}{hint}: ").strip()
    except EOFError as error:
        raise answers.AnswerError(answers.missing(name)) from error


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/env", description=__doc__)
    for name, (question, usual) in answers.QUESTIONS.items():
        hint = f"; default {usual}" if usual else ""
        parser.add_argument(f"--{name.replace('_', '-')}", help=f"{question}{hint}")
    parser.add_argument(
        "--show-logins", action="store_true", help="print the logins of Flower and Prometheus"
    )
    parser.add_argument(
        "--folder", type=Path, default=DOCKER / "env", help="where to (default docker/env)"
    )
    for place in ("postgres", "rabbitmq", "management", "valkey"):
        parser.add_argument(
            f"--{place}-at",
            metavar="HOST:PORT",
            default=getattr(Places(), place),
            help="default %(default)s, as in the compose file",
        )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    given = {name: value for name in answers.QUESTIONS if (value := getattr(options, name))}
    folder = options.folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        complete = answers.complete(
            folder / "answers.json", given, ask if sys.stdin.isatty() else None
        )
        known = credentials.load(folder / "secrets.json", GENERATORS)
        names = ("postgres", "rabbitmq", "management", "valkey")
        places = Places(**{name: getattr(options, f"{name}_at") for name in names})
        written = files.write(folder, complete, known, places)
        credentials.write_private(folder.parent / ".env", files.for_compose(complete, known))
    except (answers.AnswerError, OSError) as error:
        print(f"bin/env: {error}", file=sys.stderr)
        return 2
    except ValueError as error:  # It was no JSON.
        damaged = f"answers.json or secrets.json in {folder} is damaged ({error})"
        print(f"bin/env: {damaged}: bring it back from a backup", file=sys.stderr)
        return 2
    print(f"{folder} has {len(written)} files, of which each service gets its own.")
    if options.show_logins:
        for service, login in files.logins(known).items():
            print(f"{service:<11} {login}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
