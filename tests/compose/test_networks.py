"""Containers reach those that they need, and nothing else."""

import pytest
from tests.support.compose import Compose

CONNECT = """import errno, socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print("reached")
except OSError as error:
    print(type(error).__name__, errno.errorcode.get(error.errno, error.errno))"""
OUTSIDE = "198.51.100.1"
SEND_PICKLE = """import asyncio, sys
from distributed import comm
async def connect():
    connection = await comm.connect(sys.argv[1], timeout=5)
    await connection.write({"op": "identity"})
    return await connection.read()
try:
    print("answered", asyncio.run(connect()))
except OSError as error:
    print("refused", type(error).__name__)"""


def connect(compose: Compose, service: str, target: str, port: int) -> str:
    return compose.run("exec", "-T", service, "python", "-c", CONNECT, target, str(port)).strip()


@pytest.mark.parametrize(
    ("service", "target", "port"),
    [
        ("dashboard", "gateway", 8000),
        ("gateway", "auth-service", 8001),
        ("ml-service", "billing-service", 8002),
        ("auth-service", "postgres", 5432),
        ("ml-worker", "scheduler.work", 8786),
    ],
)
def test_container_reaches_what_it_needs(compose: Compose, service: str, target: str, port: int) -> None:
    assert connect(compose, service, target, port) == "reached"


@pytest.mark.parametrize(
    ("service", "target", "port"),
    [
        ("dashboard", "auth-service", 8001),
        ("dashboard", "postgres", 5432),
        ("dashboard", "dask-scheduler", 8786),
        ("gateway", "postgres", 5432),
        ("gateway", "dask-scheduler", 8786),
        ("billing-service", "dask-scheduler", 8786),
        ("ml-worker", "postgres", 5432),
        ("ml-worker", "billing-service", 8002),
        ("ml-worker", "gateway", 8000),
    ],
)
def test_container_does_not_even_know_others(compose: Compose, service: str, target: str, port: int) -> None:
    assert connect(compose, service, target, port).startswith("gaierror")


@pytest.mark.parametrize("service", ["gateway", "auth-service", "billing-service", "ml-service", "ml-worker"])
def test_container_has_no_way_out(compose: Compose, service: str) -> None:
    assert connect(compose, service, OUTSIDE, 443) == "OSError ENETUNREACH"


@pytest.mark.parametrize("address", ["tcp://scheduler.work:8786", "tcp://dask-scheduler:8786"])
def test_scheduler_answers_nobody_without_the_certificate(compose: Compose, address: str) -> None:
    answer = compose.run("exec", "-T", "ml-worker", "python", "-c", SEND_PICKLE, address)
    assert answer.startswith("refused"), answer
