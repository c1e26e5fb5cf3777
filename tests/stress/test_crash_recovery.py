"""Any process may be killed at any moment: soon the stack is whole and every token explained."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
from tests.support.books import assert_books_balance
from tests.support.course import trained_model
from tests.support.people import administrator, grant, new_user
from tests.support.programs import running_pid, working_child
from tests.support.recovery import all_answered, all_ended, assert_back, assert_paid_for_what_there_is
from tests.support.stack import Stack, running_stack
from tests.support.tables import line_table
from tests.support.training import upload
from tests.support.trickle import Trickle

from local.home import Home
from local.supervisor import Supervisor

PLENTY = 10_000
# The goal is 60 seconds; a machine that runs tests may have other work.
WHOLE_WITHIN_SECONDS = 120
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 4.0
SERVICES = ["auth-service", "billing-service", "ml-service", "gateway"]
OTHERS = ["dask-worker-1", "dask-scheduler", "postgres"]


@dataclass(frozen=True)
class Plug:
    """A program of the stack, or the process below it that does its work."""

    program: str
    child: bool = False

    def pull(self, stack: Stack) -> None:
        assert stack.home is not None
        find = working_child if self.child else running_pid
        os.kill(find(Supervisor(Home.at(stack.home)), self.program), signal.SIGKILL)


PLUGS = [*(Plug(name) for name in [*SERVICES, *OTHERS]), Plug("dask-worker-1", child=True)]


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture
async def http(own_stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=own_stack.url, timeout=60) as client:
        yield client


@pytest.fixture
async def trickle(http: httpx.AsyncClient, own_stack: Stack) -> Trickle:
    user = await new_user(http)
    await grant(await administrator(http, own_stack), user, PLENTY)
    return Trickle(user, await trained_model(user), await upload(user, line_table(400)))


@pytest.mark.parametrize("plug", PLUGS, ids=lambda plug: plug.program + ("-child" if plug.child else ""))
async def test_a_killed_process_costs_nobody_anything(own_stack: Stack, trickle: Trickle, plug: Plug) -> None:
    async with trickle.running():
        await asyncio.sleep(BEFORE_SECONDS)
        plug.pull(own_stack)
        until = time.monotonic() + WHOLE_WITHIN_SECONDS
        await asyncio.sleep(AFTER_SECONDS)
    await assert_back(trickle, until)
    predicted, trained = await asyncio.gather(all_answered(trickle, until), all_ended(trickle, until))
    await assert_paid_for_what_there_is(trickle.user, predicted, trained)
    assert_books_balance(own_stack, within=max(1, until - time.monotonic()))
    _assert_no_half_written_model(own_stack)
    assert trickle.faults == []


def _assert_no_half_written_model(stack: Stack) -> None:
    assert stack.home is not None
    models = list((stack.home / "store" / "artefacts").iterdir())
    assert models
    for folder in models:
        assert json.loads((folder / "model.json").read_text())
        assert all((folder / name).stat().st_size for name in ("predictor.npz", "pipeline.joblib"))
