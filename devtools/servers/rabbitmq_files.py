"""The files that a private RabbitMQ node reads, written again before each start."""

from pathlib import Path

# The disk limit is absolute, because RabbitMQ's default of 50 MB comes too late. The consumer
# timeout is RabbitMQ's default, stated here because the workers' time limits must stay below it.
# Messages are kept in memory until the write-ahead log has this size, by default 512 MB. RabbitMQ 4
# refuses messages above 16 MiB, and 3.10 above 128 MiB.
CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
disk_free_limit.absolute = 1GB
vm_memory_high_watermark.absolute = 2GiB
heartbeat = 30
consumer_timeout = 1800000
raft.wal_max_size_bytes = 16000000
max_message_size = 15728640
cluster_name = connectify
"""


def write(
    home: Path,
    *,
    installation: Path,
    amqp: int,
    management: int,
    user: str,
    password: str,
    cookie: str,
) -> None:
    """Write configuration, plugin list and cookie into home, and link the programs there."""
    (home / "data").mkdir(exist_ok=True)
    # Through this link, paths relative to home reach RabbitMQ's scripts without a space.
    link = home / "installation"
    link.unlink(missing_ok=True)
    link.symlink_to(installation)
    configuration = CONFIGURATION.format(
        amqp=amqp, management=management, user=user, password=password
    )
    files = {
        "rabbitmq.conf": configuration,
        "plugins": "[rabbitmq_management].\n",
        "environment.conf": "",  # otherwise RabbitMQ would read the machine's file in /etc
        ".erlang.cookie": cookie,
    }
    for name, text in files.items():
        path = home / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)  # Erlang refuses a cookie that others can read.
        path.write_text(text)
