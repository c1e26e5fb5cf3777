"""Distributed tracing: one trace of a request through every service."""

import httpx
import pytest
from tests.support.background_load import FEATURES
from tests.support.collector import Collector, SeenSpan, running_collector
from tests.support.course import trained_model
from tests.support.people import new_user
from tests.support.stack import running_stack

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture
async def collector() -> Collector:
    """The spans of one prediction; the stack is stopped first, since it exports the spans then."""
    with running_collector() as collector:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        with running_stack(DASK_WORKERS="1", **settings) as stack:
            async with httpx.AsyncClient(base_url=stack.url, timeout=60) as http:
                await predict(http)
    return collector


async def predict(http: httpx.AsyncClient) -> None:
    user = await new_user(http)
    model = await trained_model(user)
    parent = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
    response = await user.post(f"/v1/models/{model}/predict", json=FEATURES, headers=parent)
    assert response.status_code == 200, response.text


def test_prediction_is_one_trace_through_gateway_ml_and_billing(collector: Collector) -> None:
    gateway, ml, *billing = chain(collector)
    assert (gateway.name, gateway.parent) == ("POST /v1/models/{name}/predict", CALLER)
    assert (ml.name, ml.parent) == ("POST /v1/models/{name}/predict", gateway.id)
    assert {span.name for span in billing} == {"POST /internal/operations"}
    assert {span.parent for span in billing} == {ml.id}


def chain(collector: Collector) -> list[SeenSpan]:
    """The trace's spans from the outermost service to the innermost."""
    order = ["gateway", "ml-service", "billing-service"]
    spans = [span for span in collector.spans if span.trace == TRACE]
    assert {span.service for span in spans} == set(order)
    return sorted(spans, key=lambda span: order.index(span.service))
