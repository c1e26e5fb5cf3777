"""The committed example of a TLS proxy works."""

from collections.abc import Iterator

import pytest
from tests.support.compose import Compose

CERTIFICATE = "/etc/ssl/farebox/fullchain.pem"
REQUEST_READINESS = """import socket, ssl, sys
known = ssl.create_default_context(cadata=sys.stdin.read())
with socket.create_connection(("balancer", 443), timeout=30) as plain:
    with known.wrap_socket(plain, server_hostname="farebox.example.org") as requested:
        requested.sendall(b"GET /readyz HTTP/1.0\\r\\nHost: farebox.example.org\\r\\n\\r\\n")
        print(requested.makefile("rb").read().decode())"""


@pytest.fixture
def nginx(compose: Compose) -> Iterator[Compose]:
    compose.run("--profile", "tls", "up", "--build", "--detach", "--wait", "nginx")
    yield compose
    compose.run("--profile", "tls", "rm", "--stop", "--force", "nginx")


def test_gateway_is_served_over_tls(nginx: Compose) -> None:
    certificate = nginx.run("--profile", "tls", "exec", "-T", "nginx", "cat", CERTIFICATE)
    output = nginx.run_as_client("python", "-c", REQUEST_READINESS, stdin=certificate)
    assert output.startswith("HTTP/1.1 200 "), output
    assert '{"status":"ready"}' in output
    assert "strict-transport-security" in output.lower()
