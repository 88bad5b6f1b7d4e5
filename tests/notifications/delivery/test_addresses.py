import asyncio
import socket
from collections.abc import Mapping

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from notifications.delivery import addresses

ALLOWED, ELSEWHERE = "127.0.0.1", "127.0.0.2"

REFUSED = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "unspecified": "0.0.0.0",
    "private, class A": "10.1.2.3",
    "private, class B": "172.16.0.1",
    "private, class C": "192.168.1.1",
    "link-local, cloud metadata": "169.254.169.254",
    "carrier-grade NAT": "100.64.0.1",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "documentation": "192.0.2.1",
    "6to4 relay": "192.88.99.1",
    "IPv6 loopback": "::1",
    "IPv6 unspecified": "::",
    "IPv6 unique local": "fc00::1",
    "IPv6 site-local": "fec0::1",
    "IPv6 link-local": "fe80::1",
    "IPv6 link-local with a scope": "fe80::1%eth0",
    "IPv6 multicast": "ff02::1",
    "IPv6 documentation": "2001:db8::1",
    "IPv6 documentation, the newer range": "3fff::1",
    "IPv4-mapped": "::ffff:127.0.0.1",
    "IPv4-mapped, even if public": "::ffff:8.8.8.8",
    "IPv4-compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64, local use": "64:ff9b:1::7f00:1",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:7f00:1::1",
    "no address": "localhost",
    "a decimal form": "2130706433",
    "an octal form": "0177.0.0.1",
}

# Notations in which a URL may name this machine or its network.
HOSTS = [
    *("127.0.0.1", "0177.0.0.1", "0x7f000001", "2130706433", "127.1", "localhost", "0.0.0.0"),
    *("[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"),
]


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED.keys())
def test_an_address_that_is_not_public_is_recognised(address):
    assert not addresses.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "142.250.0.1", "2606:4700::1111"])
def test_a_public_address_is_recognised(address):
    assert addresses.is_public(address)


class Names(AbstractResolver):
    """A resolver that returns these answers in turn, and then always the last one."""

    def __init__(self, *answers: str):
        self.answers = list(answers)

    async def resolve(self, host, port=0, family=socket.AF_INET):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        family = socket.AF_INET6 if ":" in answer else socket.AF_INET
        found = {"hostname": host, "host": answer, "port": port}
        return [found | {"family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


class Server:
    """Listens on two loopback addresses. The tests' settings allow only the first one."""

    def __init__(self):
        self.called: list[str] = []
        # The headers of each request, and the body of its response.
        self.answers: list[tuple[Mapping[str, str], bytes]] = []

    async def _answer(self, request: web.Request) -> web.Response:
        self.called.append(request.transport.get_extra_info("sockname")[0])
        answer = web.Response(status=201, text="x" * 10_000, headers={"Set-Cookie": "a=b"})
        # Compress, whatever the client accepts.
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    def post_to(self, url: str, times: int = 1, **limits) -> None:
        """Send requests one after the other, each on its own connection. The URL's {port} is filled
        in."""
        asyncio.run(self._post_to(url, times, limits))

    async def _post_to(self, url: str, times: int, limits: dict) -> None:
        application = web.Application()
        application.router.add_post("/{path:.*}", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, ALLOWED, 0).start()
        port = runner.addresses[0][1]
        await web.TCPSite(runner, ELSEWHERE, port).start()
        try:
            async with addresses.session(force_close=True, use_dns_cache=False, **limits) as http:
                for _ in range(times):
                    answer = await http.post(url.format(port=port))
                    self.answers.append((answer.request_info.headers, await answer.read()))
        finally:
            await runner.cleanup()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.mark.parametrize("host", HOSTS)
def test_no_connection_is_made_to_this_machine_or_its_network(server, settings, host):
    settings.PUSH_ALLOW_LOOPBACK = False
    with pytest.raises(aiohttp.ClientError):
        server.post_to(f"http://{host}:{{port}}/x")
    assert server.called == []


@pytest.mark.parametrize("answer", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"])
def test_no_connection_is_made_to_a_name_with_a_private_address(server, settings, answer):
    settings.PUSH_ALLOW_LOOPBACK = False
    with pytest.raises(aiohttp.ClientConnectorError, match="address refused"):
        server.post_to("http://fcm.googleapis.com:{port}/x", resolver=Names(answer))
    assert server.called == []


def test_no_connection_is_made_to_a_different_second_address_of_a_name(server):
    url = "http://push.example:{port}/x"
    with pytest.raises(aiohttp.ClientConnectorError, match="address refused"):
        server.post_to(url, times=2, resolver=Names(ALLOWED, ELSEWHERE))
    assert server.called == [ALLOWED]


def test_a_response_is_not_decompressed_and_leaves_no_cookie(server):
    # Use a name, because a cookie jar accepts no cookie from an IP address.
    server.post_to("http://push.example:{port}/x", times=2, resolver=Names(ALLOWED))
    for headers, body in server.answers:
        assert len(body) < 100
        assert headers["Accept-Encoding"] == "identity"
        assert "Cookie" not in headers


def test_a_public_address_is_connected_to_on_the_port_of_https_only():
    addresses.check_address("8.8.8.8", 443)
    with pytest.raises(addresses.AddressError):
        addresses.check_address("8.8.8.8", 8443)
