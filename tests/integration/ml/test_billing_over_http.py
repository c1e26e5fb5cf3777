"""Billing over HTTP: refusals, outages, and what an operation carries."""

import asyncio

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from tests.integration.ml.serving import serving
from tests.integration.ml.test_billing_port import ADA, http_billing, new_charge

from kit.deadlines import start_deadline
from kit.errors import DeadlinePassed, InternalError, ServiceError
from kit.log_fields import bind_fields
from ml_service.billing.port import (
    Billing,
    BillingRefusal,
    BillingUnreachable,
    ChargeRefunded,
    HoldNotFound,
)
from ml_service.errors import BillingUnavailable


async def test_unreachable_billing_is_unavailable() -> None:
    async with http_billing("http://127.0.0.1:9") as billing:
        with pytest.raises(BillingUnreachable):
            await billing.hold(new_charge(), 30)


async def test_charge_without_an_answer_may_have_taken_effect() -> None:
    app = FastAPI()

    @app.post("/internal/operations")
    async def fail() -> Response:
        return Response(status_code=503)

    async with serving(app) as url, http_billing(url) as billing:
        with pytest.raises(BillingUnavailable) as failure:
            await billing.charge(new_charge())
    assert not isinstance(failure.value, BillingUnreachable)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (422, "idempotency_key_reused", BillingRefusal),
        (402, "not_enough_tokens", BillingRefusal),
        (409, "quote_expired", BillingRefusal),
        (409, "charge_refunded", ChargeRefunded),
        (404, "hold_not_found", HoldNotFound),
        (503, "deadline_passed", DeadlinePassed),
        (500, "internal_error", BillingUnavailable),
        (503, "unavailable", BillingUnavailable),
        (422, "invalid_input", InternalError),
        (422, "settle_above_hold", InternalError),
    ],
)
async def test_refusal_is_passed_on_and_only_an_outage_is_worth_a_retry(
    status: int, code: str, kind: type[ServiceError]
) -> None:
    app = FastAPI()

    @app.post("/internal/operations")
    async def refuse() -> dict[str, object]:
        problem = {"status": status, "code": code, "detail": "No."}
        return {"results": [{"status": status, "problem": problem}]}

    async with serving(app) as url, http_billing(url) as billing:
        with pytest.raises(ServiceError) as failure:
            await billing.charge(new_charge())
    assert type(failure.value) is kind
    if kind is BillingRefusal:
        assert (failure.value.status, failure.value.code) == (status, code)


@pytest.mark.parametrize(("breaks", "replayed"), [(0, True), (1, False)])
async def test_receipt_after_a_lost_answer_is_not_of_an_earlier_request(breaks: int, replayed: bool) -> None:
    """The first call may have been the one that charged."""
    app, calls = FastAPI(), list[object]()

    @app.post("/internal/operations")
    async def answer() -> Response:
        calls.append(None)
        if len(calls) <= breaks:
            return Response(status_code=502)
        receipt = {"status": 200, "receipt_id": "1", "tokens": 5, "available": 5, "replayed": True}
        return JSONResponse({"results": [receipt]})

    async with serving(app) as url, http_billing(url) as billing:
        assert (await billing.charge(new_charge())).replayed == replayed


@pytest.mark.parametrize(("breaks", "kind"), [(0, BillingRefusal), (1, BillingUnavailable)])
async def test_refusal_after_a_lost_call_leaves_open_whether_it_takes_effect(
    breaks: int, kind: type[ServiceError]
) -> None:
    """The lost call may arrive later, when the wallet can pay: the caller must refund it."""
    app, calls = FastAPI(), list[object]()

    @app.post("/internal/operations")
    async def answer() -> Response:
        calls.append(None)
        if len(calls) <= breaks:
            return Response(status_code=502)
        problem = {"status": 402, "code": "not_enough_tokens", "detail": "No."}
        return JSONResponse({"results": [{"status": 402, "problem": problem}]})

    async with serving(app) as url, http_billing(url) as billing:
        with pytest.raises(ServiceError) as failure:
            await billing.charge(new_charge())
    assert type(failure.value) is kind


async def test_time_left_is_sent_with_what_may_not_be_late() -> None:
    app, received = FastAPI(), list[dict[str, object]]()

    @app.post("/internal/operations")
    async def record(request: Request) -> dict[str, object]:
        received.extend((await request.json())["operations"])
        result = {"status": 200, "receipt_id": "1", "tokens": 0, "available": 0, "replayed": False}
        return {"results": [result]}

    start_deadline(b"5000")
    try:
        async with serving(app) as url, http_billing(url) as billing:
            await billing.charge(new_charge())
            await billing.hold(new_charge(), 30, limited=True)
            await billing.hold(new_charge(), 30)
    finally:
        start_deadline(None)
    charged, held, job = (operation["timeout_ms"] for operation in received)
    assert all(isinstance(each, int) and 4000 < each <= 5000 for each in (charged, held))
    assert job is None


async def test_operation_carries_the_id_of_its_request() -> None:
    app, received = FastAPI(), list[object]()

    @app.post("/internal/operations")
    async def record(request: Request) -> dict[str, object]:
        received.extend(each["request_id"] for each in (await request.json())["operations"])
        return {"results": [{"status": 200, "tokens": 0, "available": 0}] * len(received)}

    async def refund(billing: Billing, request_id: str) -> None:
        bind_fields(request_id=request_id)
        await billing.refund(new_charge().key, ADA)

    async with serving(app) as url, http_billing(url) as billing:
        # Each task has a context of its own, as each request has.
        await asyncio.gather(*(asyncio.create_task(refund(billing, name)) for name in ("one", "two")))
    assert received == ["one", "two"]
