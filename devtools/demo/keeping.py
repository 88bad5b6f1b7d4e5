"""After a run with --keep: what there is to look at, until Ctrl-C."""

import time
from collections.abc import Mapping

from devtools.demo.company import Company
from devtools.demo.population import OPERATOR, Population
from devtools.demo.scenario import Scenario
from devtools.lab.progress import Progress

LOOK_SECONDS = 1.0

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


def keep(
    company: Company,
    people: Population,
    scenario: Scenario,
    environ: Mapping[str, str],
    progress: Progress,
) -> None:
    """Show addresses and logins, and return with the first Ctrl-C."""
    progress.lines(describe(company, people, scenario, environ))
    told: set[str] = set()
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            for name in set(company.processes.dead()) - told:
                told.add(name)
                progress.lines(f"{name} died:\n{company.processes.tail(name)}")
    except KeyboardInterrupt:
        progress.lines("")


def describe(
    company: Company, people: Population, scenario: Scenario, environ: Mapping[str, str]
) -> str:
    author = scenario.graph.most_followed()
    reader = scenario.guest
    return TEXT.format(
        origin=company.origin,
        flower=company.flower,
        flower_login=environ["FLOWER_BASIC_AUTH"].replace(":", " / ", 1),
        admin_path=environ.get("ADMIN_PATH", "admin/"),
        operator=OPERATOR,
        password=people.password,
        author=people.username(author),
        reader=people.username(reader),
        author_token=people.tokens[author],
        reader_token=people.tokens[reader],
    )
