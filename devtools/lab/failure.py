"""Why a run cannot begin."""

from devtools.servers.process import ServerFailure


class Refused(ServerFailure):
    """The run would disturb another run or somebody's data. Nothing was changed."""

    exit_code = 3
