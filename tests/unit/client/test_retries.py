"""A request is sent again only where a second arrival cannot have a second effect."""

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, ok, problem

from farebox.calls import Answer, Call, Lost, keyed, nothing
from farebox.errors import AnswerLost, ServiceFault, Unavailable, Unreachable
from farebox.retries import Retries, pause_before_retry

LOST = Lost(AnswerLost("lost"), sent=True)
NEVER_SENT = Lost(Unreachable("away"), sent=False)
WALLET = {"tokens": 15, "held": 0, "available": 15}
PURCHASE_PATH = "/v1/purchases"


def call(method: str, *, with_key: bool = False) -> Call[None]:
    return Call(method, "/", nothing, headers=keyed() if with_key else {})


@pytest.mark.parametrize(
    ("asked", "outcome", "again"),
    [
        (call("GET"), LOST, True),
        (call("PUT"), LOST, True),
        (call("DELETE"), LOST, True),
        (call("POST"), LOST, False),
        (call("PATCH"), LOST, False),
        (call("POST", with_key=True), LOST, True),
        (call("POST"), NEVER_SENT, True),
        (call("GET"), Answer(503, {}), True),
        (call("POST"), Answer(503, {}), False),
        (call("POST", with_key=True), Answer(504, {}), True),
        (call("POST"), Answer(429, {}), True),
        (call("GET"), Answer(500, {}), False),
        (call("GET"), Answer(404, {}), False),
        (call("POST", with_key=True), Answer(409, {"retry-after": "1"}), True),
        (call("POST", with_key=True), Answer(409, {}), False),
        (Call("PUT", "/", nothing, repeatable=False), LOST, False),
    ],
)
def test_only_safe_requests_are_sent_again(asked: Call[None], outcome: Answer | Lost, again: bool) -> None:
    assert (pause_before_retry(asked, outcome, 1, Retries()) is not None) == again


def test_retry_after_is_honoured_to_the_second() -> None:
    assert pause_before_retry(call("GET"), Answer(503, {"retry-after": "7"}), 1, Retries()) == 7


def test_a_wait_longer_than_allowed_is_left_to_the_caller() -> None:
    assert pause_before_retry(call("GET"), Answer(429, {"retry-after": "3600"}), 1, Retries()) is None


def test_pauses_grow_up_to_their_limit() -> None:
    patience = Retries(limit=100, first_pause=1, longest_pause=8)
    pauses = [pause_before_retry(call("GET"), LOST, tries, patience) or 0 for tries in range(1, 20)]

    assert all(0.5 <= pause <= 1 for pause in pauses[:1])
    assert all(4 <= pause <= 8 for pause in pauses[3:])


def test_a_lost_purchase_is_repeated_under_its_own_key(gateway: Gateway, caller: Caller) -> None:
    card = {"card_brand": "visa", "card_last_four": "1111"}
    bought = {"amount": 10, "available": 25, "receipt_id": "r-1", **card}
    gateway.on("POST", PURCHASE_PATH, httpx.ReadError("reset"), ok(bought, 201))

    caller.run(lambda client: client.wallet.buy(10, credit_card="4111111111111111"))

    keys = {each.headers["Idempotency-Key"] for each in gateway.asked("POST", PURCHASE_PATH)}
    assert len(gateway.asked("POST", PURCHASE_PATH)) == 2
    assert len(keys) == 1


def test_two_orders_never_share_a_key(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/jobs/1/cancel", problem(409, "job_ended"))
    for _ in range(2):
        with pytest.raises(Exception, match="differently"):
            caller.run(lambda client: client.jobs.cancel(1))

    first, second = gateway.asked("POST", "/v1/jobs/1/cancel")
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]


def test_a_lost_login_is_not_repeated(gateway: Gateway, caller: Caller) -> None:
    gateway.on("POST", "/v1/sessions", httpx.ReadError("reset"))

    with pytest.raises(AnswerLost):
        caller.run(lambda client: client.log_in("ada@example.org", "a good password"))

    assert len(gateway.requests) == 1


def test_an_outage_that_passes_is_not_noticed(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(503, "unavailable", retry_after=0), ok(WALLET))

    assert caller.run(lambda client: client.wallet.balance()).available == 15


def test_an_outage_that_stays_is_told_after_the_last_try(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(503, "unavailable", retry_after=0))

    with pytest.raises(Unavailable):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.requests) == Retries().limit


def test_a_bug_of_the_service_is_not_asked_for_twice(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(500, "internal_error"))

    with pytest.raises(ServiceFault):
        caller.run(lambda client: client.wallet.balance())

    assert len(gateway.requests) == 1


def test_an_address_where_nothing_answers_is_named(gateway: Gateway, caller: Caller) -> None:
    gateway.on("GET", "/v1/me/wallet", httpx.ConnectError("refused"))

    with pytest.raises(Unreachable, match="FAREBOX_URL"):
        caller.run(lambda client: client.wallet.balance())
