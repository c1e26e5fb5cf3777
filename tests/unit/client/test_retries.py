"""Retries: only if a second arrival has no second effect."""

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok, problem

from farebox.calls import Call, NoResponse, Response, idempotency_header, no_content
from farebox.errors import ResponseLost, ServiceFault, Unavailable, Unreachable, retry_after
from farebox.retries import Retries, pause_before_retry

LOST = NoResponse(ResponseLost("lost"), sent=True)
NEVER_SENT = NoResponse(Unreachable("away"), sent=False)
WALLET = {"tokens": 15, "held": 0, "available": 15}
PURCHASE_PATH = "/v1/purchases"


def call(method: str, *, with_key: bool = False) -> Call[None]:
    return Call(method, "/", no_content, headers=idempotency_header() if with_key else {})


@pytest.mark.parametrize(
    ("sent", "outcome", "repeated"),
    [
        (call("GET"), LOST, True),
        (call("PUT"), LOST, True),
        (call("DELETE"), LOST, True),
        (call("POST"), LOST, False),
        (call("PATCH"), LOST, False),
        (call("POST", with_key=True), LOST, True),
        (call("POST"), NEVER_SENT, True),
        (call("GET"), Response(503, {}), True),
        (call("POST"), Response(503, {}), False),
        (call("POST", with_key=True), Response(504, {}), True),
        (call("POST"), Response(429, {}), True),
        (call("GET"), Response(500, {}), False),
        (call("GET"), Response(404, {}), False),
        (call("POST", with_key=True), Response(409, {"retry-after": "1"}), True),
        (call("POST", with_key=True), Response(409, {}), False),
        (Call("PUT", "/", no_content, repeatable=False), LOST, False),
    ],
)
def test_only_safe_requests_are_repeated(
    sent: Call[None], outcome: Response | NoResponse, repeated: bool
) -> None:
    assert (pause_before_retry(sent, outcome, 1, Retries()) is not None) == repeated


def test_retry_after_is_honoured() -> None:
    assert pause_before_retry(call("GET"), Response(503, {"retry-after": "7"}), 1, Retries()) == 7


@pytest.mark.parametrize("sent", ["²", "٥", " 5", "5.0", "-1", "Fri, 27 Nov 2026 04:00:00 GMT"])
def test_retry_after_that_is_no_number_suggests_no_pause(sent: str) -> None:
    assert retry_after({"retry-after": sent}) is None


def test_retry_after_above_limit_ends_retries() -> None:
    assert pause_before_retry(call("GET"), Response(429, {"retry-after": "3600"}), 1, Retries()) is None


def test_pauses_grow_up_to_limit() -> None:
    policy = Retries(limit=100, first_pause=1, longest_pause=8)
    pauses = [pause_before_retry(call("GET"), LOST, tries, policy) or 0 for tries in range(1, 20)]

    assert all(0.5 <= pause <= 1 for pause in pauses[:1])
    assert all(4 <= pause <= 8 for pause in pauses[3:])


def test_purchase_with_lost_response_is_repeated_under_same_key(gateway: Gateway, caller: Caller) -> None:
    card = {"card_brand": "visa", "card_last_four": "1111"}
    bought = {"amount": 10, "available": 25, "receipt_id": "r-1", **card}
    gateway.on("POST", PURCHASE_PATH, httpx.ReadError("reset"), ok(bought, 201))

    caller.run(lambda client: client.wallet.buy(10, credit_card="4111111111111111"))

    keys = {request.headers["Idempotency-Key"] for request in gateway.requests_to("POST", PURCHASE_PATH)}
    assert len(gateway.requests_to("POST", PURCHASE_PATH)) == 2
    assert len(keys) == 1


def test_two_requests_never_share_an_idempotency_key(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/jobs/1/cancel", problem(409, "job_ended"))
    for _ in range(2):
        with pytest.raises(Exception, match="differently"):
            caller.run(lambda client: client.jobs.cancel(1))

    first, second = gateway.requests_to("POST", "/v1/jobs/1/cancel")
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_login_with_lost_response_is_not_repeated(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions", httpx.ReadError("reset"))

    with pytest.raises(ResponseLost):
        caller.run(lambda client: client.log_in("ada@example.org", "a good password"))

    assert len(gateway.requests) == 1


def test_short_outage_is_retried(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(503, "unavailable", retry_after=0), ok(WALLET))

    assert caller.run(lambda client: client.wallet.balance()).available == 15


def test_long_outage_is_raised_after_last_try(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(503, "unavailable", retry_after=0))

    with pytest.raises(Unavailable):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.requests) == Retries().limit


def test_internal_error_is_not_retried(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(500, "internal_error"))

    with pytest.raises(ServiceFault):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.requests) == 1


def test_unreachable_address_is_reported(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", httpx.ConnectError("refused"))

    with pytest.raises(Unreachable, match="FAREBOX_URL"):
        caller.run(lambda client: client.wallet.balance())
