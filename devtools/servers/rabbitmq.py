"""A private RabbitMQ node on loopback only, with its own epmd, ports and cookie."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from devtools.servers import probe, rabbitmq_files
from devtools.servers.epmd import Epmd
from devtools.servers.ports import Ports
from devtools.servers.process import ServerFailure
from devtools.servers.rabbitmq_installation import Installation
from devtools.servers.server import Server

USER = "connectify"
# By default Erlang listens on every interface, and starts an epmd that nobody ends.
ERLANG_ARGUMENTS = "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"


class RabbitMQ(Server):
    label = "RabbitMQ"
    port_name = "amqp"

    def __init__(
        self,
        home: Path,
        ports: Ports,
        password: str,
        environ: Mapping[str, str],
        *,
        cookie: str,
        installation: Installation | None,
        node: str = "connectify@localhost",
        beside: "RabbitMQ | None" = None,
    ) -> None:
        """installation: its programs; without them it can be stopped, but not started.

        Further nodes of a cluster have another home, ports and node name, and the same cookie. They
        are `beside` the first node, which must be started before them and whose epmd they share.
        """
        super().__init__(home, ports, password, environ)
        self.cookie = cookie
        self._installation = installation
        self.node = node
        self.beside = beside
        self.epmd = Epmd(home, ports, self.environ) if beside is None else beside.epmd

    @property
    def url(self) -> str:
        """The virtual host is "/", which is a second slash in a URL."""
        return f"amqp://{USER}:{quote(self.password, safe='')}@{self.address}//"

    @property
    def management_url(self) -> str:
        port = self.ports["management"]
        return f"http://{USER}:{quote(self.password, safe='')}@127.0.0.1:{port}"

    def probe(self) -> str:
        return probe.rabbitmq(self.url)

    @property
    def installation(self) -> Installation:
        if self._installation is None:
            raise ServerFailure("there is no RabbitMQ yet: run bin/services up")
        return self._installation

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which RabbitMQ's programs find this node. Run them in `home`."""
        return {
            **self.environ,
            **self.installation.environment(self.environ["PATH"]),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.ports["dist"]),
            "ERL_EPMD_PORT": str(self.epmd.port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # RabbitMQ measures the free disk space by running "df" with this path unquoted. This
            # form has no space in it, wherever the clone is.
            "RABBITMQ_MNESIA_BASE": "/proc/self/cwd/data",
            "RABBITMQ_LOG_BASE": str(self.home / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.home / "beam.pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.home / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.home / "environment.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
            "RABBITMQ_CTL_ERL_ARGS": ERLANG_ARGUMENTS,
            # With this the start script becomes the server (exec), so that the recorded pid is the
            # server's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def program(self, name: str) -> str:
        """The path of rabbitmqctl, rabbitmq-queues and so on, relative to home."""
        return f"installation/sbin/{name}"

    def ctl(self, *arguments: str, program: str = "rabbitmqctl", limit: float = 60) -> str:
        """Run rabbitmqctl (or a sibling) on this node; return its output."""
        command = [self.program(program), *arguments]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd=self.home,
                env=self.environment,
                timeout=limit,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise ServerFailure(f"{program} {' '.join(arguments)}: over {limit:.0f} s") from error
        except subprocess.CalledProcessError as error:
            problem = error.stderr.strip() or error.stdout.strip()
            raise ServerFailure(f"{program} {' '.join(arguments)}: {problem}") from error
        return done.stdout

    def stop(self) -> bool:
        graceful = super().stop()
        if self.beside is None:
            self.epmd.stop()
        return graceful

    def _launch(self) -> None:
        self.ports.claim("amqp", "dist", "management")
        rabbitmq_files.write(
            self.home,
            installation=self.installation.home,
            amqp=self.port,
            management=self.ports["management"],
            user=USER,
            password=self.password,
            cookie=self.cookie,
        )
        self.epmd.start(self.installation.environment(self.environ["PATH"]))
        self.process.spawn(
            # Relative to home, because the start script fails if its own path has a space in it.
            [self.program("rabbitmq-server")],
            log=self.log,
            cwd=self.home,
            environ=self.environment,
        )
