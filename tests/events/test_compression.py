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
def test_a_body_compressed_as_its_header_says_is_decompressed(kind):
    assert expand(PACKED[kind](b"a body"), kind) == b"a body"


@pytest.mark.parametrize("kind", PACKED)
def test_a_decompression_bomb_takes_no_more_memory_than_the_limit(kind):
    bomb = PACKED[kind](bytes(200 * BODY_LIMIT))
    tracemalloc.start()
    with pytest.raises(CompressionError, match="more than"):
        expand(bomb, kind)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * BODY_LIMIT


@pytest.mark.parametrize("kind", PACKED)
def test_a_body_that_is_not_compressed_or_cut_short_is_refused(kind):
    for body in (b"", b"plain", PACKED[kind](b"a body" * 100)[:-9]):
        with pytest.raises(CompressionError):
            expand(body, kind)


@pytest.mark.parametrize("kind", ["", "zstd", b"gzip", 5, ["gzip"], {}, "x" * 10_000])
def test_an_unknown_compression_is_refused_with_a_short_error(kind):
    with pytest.raises(CompressionError) as raised:
        expand(gzip.compress(b"a body"), kind)
    assert len(str(raised.value)) < 200
