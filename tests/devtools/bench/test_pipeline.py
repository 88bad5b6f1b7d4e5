import io

import psycopg2
import pytest
from django.db import connection
from django.utils import timezone

from devtools.bench import pipeline
from devtools.bench.rate import rows_per_second
from devtools.lab.progress import Progress
from timelines.models import SliceRecord


@pytest.fixture
def own_connection(transactional_db):
    own = psycopg2.connect(**connection.get_connection_params())
    own.autocommit = True
    yield own
    own.close()


def write(post_id: int, rows: int) -> None:
    SliceRecord.objects.create(
        post_id=post_id, after=0, up_to=9, rows=rows, written_at=timezone.now()
    )


def test_rows_that_were_there_before_are_neither_awaited_nor_counted(own_connection):
    write(1, rows=500)
    with pipeline.watched(own_connection, 200, Progress(io.StringIO())) as commits:
        write(2, rows=200)
    assert [rows for _, rows in commits] == [200]
    assert rows_per_second(commits) == 0.0  # A single commit takes no time that could be measured.
