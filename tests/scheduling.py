"""Which tests run in one process of pytest, where several processes share them (pytest-xdist)."""

from xdist.scheduler import LoadScopeScheduling

# The tests of such a folder share processes of Connectify, which take seconds to start. They come
# first, the slowest foremost, so that no process is still at them when the others end. One file
# that waits long has processes of its own.
STACKS = ("tests/flow/test_pushes.py", "tests/flow/", "tests/web/")


def room_of(nodeid: str) -> str:
    """The folder or file whose tests run one after the other in the same process."""
    file = nodeid.partition("::")[0]
    return next((folder for folder in STACKS if file.startswith(folder)), file)


def rank(nodeid: str) -> int:
    """Sort key by which the stacks' tests come first; the order is otherwise kept."""
    room = room_of(nodeid)
    return STACKS.index(room) if room in STACKS else len(STACKS)


class ByRoom(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)
