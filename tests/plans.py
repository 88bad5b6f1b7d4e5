"""What statements cost, asked of PostgreSQL by running them again."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def statements() -> Iterator[list[tuple]]:
    """Every statement that is executed, with its parameters."""
    executed = []

    def note(execute, sql, parameters, many, context):
        executed.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        yield executed


def nodes(plan: dict) -> Iterator[dict]:
    """The plan's node and all below it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def executed_plan(sql: str, parameters) -> list[dict]:
    """The nodes of the plan by which the statement was just run."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        return list(nodes(cursor.fetchone()[0][0]["Plan"]))


def rows_processed(sql: str, parameters) -> int:
    """How many rows all nodes of its plan give out, loop by loop, or remove."""
    return sum(map(_rows, executed_plan(sql, parameters)))


def rows_read(tables: tuple[str, ...], sql: str, parameters) -> int:
    """How many rows of these tables a statement reads, the unwanted ones included."""
    return sum(
        _rows(node)
        for node in executed_plan(sql, parameters)
        if node.get("Relation Name", "").startswith(tables)
    )


def _rows(node: dict) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return node["Actual Loops"] * (node["Actual Rows"] + removed)
