"""Shows addresses and logins after a run with --keep, until Ctrl-C."""

import time

from devtools.demo.plan import Plan
from devtools.lab.environment import Environment
from devtools.lab.population import OPERATOR, Population
from devtools.lab.progress import Progress

POLL_SECONDS = 1.0

TEXT = """
  API docs   {origin}/api/docs/
  admin      {origin}/{admin_path}   {operator} / {password}
  Flower     {flower}/   {flower_login}
  users      {author} (the most followed), {reader} (follows {author}); password {password}

  curl -H 'Content-Type: application/json' {origin}/api/v1/accounts/login/ \\
    -d '{{"username": "{author}", "password": "{password}"}}'
  curl -H 'Authorization: Bearer {author_token}' -H 'Content-Type: application/json' \\
    {origin}/api/v1/posts/ -d '{{"content": "Hello from curl"}}'
  curl -H 'Authorization: Bearer {reader_token}' {origin}/api/v1/timeline/

Ctrl-C stops everything."""


def keep(environment: Environment, people: Population, plan: Plan, progress: Progress) -> None:
    """Show addresses and logins, and return on the first Ctrl-C."""
    progress.lines(describe(environment, people, plan))
    processes, reported = environment.processes, set()
    try:
        while True:
            time.sleep(POLL_SECONDS)
            for name in set(processes.dead()) - reported:
                reported.add(name)
                progress.lines(f"{name} died:\n{processes.tail(name)}")
    except KeyboardInterrupt:
        progress.lines("")


def describe(environment: Environment, people: Population, plan: Plan) -> str:
    author, reader = plan.graph.most_followed(), plan.guest
    return TEXT.format(
        origin=environment.origin,
        flower=environment.flower,
        flower_login=environment.environ["FLOWER_BASIC_AUTH"].replace(":", " / ", 1),
        admin_path=environment.environ.get("ADMIN_PATH", "admin/"),
        operator=OPERATOR,
        password=people.password,
        author=people.username(author),
        reader=people.username(reader),
        author_token=people.tokens[author],
        reader_token=people.tokens[reader],
    )
