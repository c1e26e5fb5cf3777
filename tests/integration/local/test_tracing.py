"""One trace of a request through every service that it reaches."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from tests.support.collector import Collector, SeenSpan, running_collector
from tests.support.course import trained_model
from tests.support.people import new_user
from tests.support.stack import running_stack
from tests.support.trickle import FEATURES

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
ARRIVED_WITHIN_SECONDS = 15


@pytest.fixture
async def traced() -> AsyncIterator[tuple[httpx.AsyncClient, Collector]]:
    with running_collector() as collector:
        where = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        with running_stack(DASK_WORKERS="1", **where) as stack:
            async with httpx.AsyncClient(base_url=stack.url, timeout=60) as http:
                yield http, collector


async def test_a_prediction_is_one_trace_through_gateway_ml_and_billing(
    traced: tuple[httpx.AsyncClient, Collector],
) -> None:
    http, collector = traced
    user = await new_user(http)
    model = await trained_model(user)
    parent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    answer = await user.post(f"/v1/models/{model}/predict", json=FEATURES, headers=parent)
    assert answer.status_code == 200, answer.text
    gateway, ml, *billing = await _chain(collector)
    assert (gateway.name, gateway.parent) == ("POST /v1/models/{name}/predict", CALLER)
    assert (ml.name, ml.parent) == ("POST /v1/models/{name}/predict", gateway.id)
    assert {each.name for each in billing} == {"POST /internal/operations"}
    assert {each.parent for each in billing} == {ml.id}


async def _chain(collector: Collector) -> list[SeenSpan]:
    """The trace's spans from the outermost service to the innermost, once all have arrived."""
    order = ["gateway", "ml-service", "billing-service"]
    deadline = time.monotonic() + ARRIVED_WITHIN_SECONDS
    while True:
        spans = [each for each in collector.spans if each.trace == TRACE]
        if {each.service for each in spans} == set(order):
            return sorted(spans, key=lambda span: order.index(span.service))
        assert time.monotonic() < deadline, spans
        await asyncio.sleep(0.1)
