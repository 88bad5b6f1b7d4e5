import bz2
import gzip
import lzma
import tracemalloc
import zlib

import pytest

from events.compression import CompressionError, expand
from events.envelope import BODY_LIMIT

PACKED = {
    "application/x-gzip": zlib.compress,
    "application/x-bz2": bz2.compress,
    "application/x-lzma": lzma.compress,
}


@pytest.mark.parametrize("kind", PACKED)
def test_a_body_that_is_compressed_as_it_says_is_expanded(kind):
    assert expand(PACKED[kind](b"a body"), kind) == b"a body"


@pytest.mark.parametrize("kind", PACKED)
def test_a_bomb_costs_no_more_memory_than_a_body_may(kind):
    bomb = PACKED[kind](bytes(200 * BODY_LIMIT))
    tracemalloc.start()
    with pytest.raises(CompressionError, match="more than"):
        expand(bomb, kind)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * BODY_LIMIT


@pytest.mark.parametrize("kind", PACKED)
def test_what_is_not_compressed_or_cut_short_is_refused(kind):
    for body in (b"", b"plain", PACKED[kind](b"a body" * 100)[:-9]):
        with pytest.raises(CompressionError):
            expand(body, kind)


@pytest.mark.parametrize("kind", ["", "zstd", b"gzip", 5, ["gzip"], {}, "x" * 10_000])
def test_an_unknown_compression_is_refused_in_few_words(kind):
    with pytest.raises(CompressionError) as raised:
        expand(gzip.compress(b"a body"), kind)
    assert len(str(raised.value)) < 200
