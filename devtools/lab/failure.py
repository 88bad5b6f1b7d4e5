"""Why a run does not begin."""

from devtools.servers.process import ServerFailure


class Refused(ServerFailure):
    """The run would disturb another one, or somebody's data; nothing was changed."""

    exit_code = 3
