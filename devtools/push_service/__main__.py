"""The push service as a process: `python -m devtools.push_service --port-file F --record FILE`.

It stops on SIGTERM and SIGINT, and only then writes the receipts to the record file.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path

from devtools.push_service.service import PushService


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m devtools.push_service", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free port")
    parser.add_argument("--port-file", type=Path, help="gets the port number once it listens")
    parser.add_argument("--record", type=Path, help="gets the receipts as JSON lines at the end")
    parser.add_argument("--application-server-key", help="the only VAPID key to let in, base64url")
    parser.add_argument("--fcm-key", type=Path, help="the service account's public key, PEM")
    return parser.parse_args()


async def serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    if arguments.port_file:
        arguments.port_file.unlink(missing_ok=True)
    service = PushService(
        application_server_key=arguments.application_server_key,
        fcm_key=arguments.fcm_key.read_bytes() if arguments.fcm_key else None,
    )
    await service.start(arguments.port)
    print(f"push service on {service.origin}", flush=True)
    if arguments.port_file:
        write_port(arguments.port_file, service.port)
    await stopped.wait()
    await service.stop()
    if arguments.record:
        with arguments.record.open("ab") as record:
            record.writelines(service.receipts.json_lines())


def write_port(path: Path, port: int) -> None:
    # Written elsewhere and renamed, so that nobody reads half of the file.
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(f"{port}\n")
    os.replace(draft, path)


if __name__ == "__main__":
    asyncio.run(serve(parse_arguments()))
