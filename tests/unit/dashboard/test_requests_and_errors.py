"""Idempotency keys of requests, error messages, and the list of users."""

import time

import httpx
import pytest
from tests.unit.client.gateway import Gateway, ok, problem
from tests.unit.dashboard.conftest import ME, RunPage, page_of

from dashboard.session.user_session import NOTICE, SESSION

pytestmark = pytest.mark.slow
MANY = 10_000


def buy_on_each_run() -> None:
    import streamlit as st

    from dashboard.errors import report_errors
    from dashboard.session.idempotency import idempotency_key

    with report_errors(), idempotency_key("buy", {"amount": st.session_state["amount"]}) as key:
        st.session_state["user_session"].client.wallet.buy(1, credit_card="1", idempotency_key=key)


def show_user_list() -> None:
    import streamlit as st

    from dashboard.pages.admin_users import list_users

    list_users(st.session_state["user_session"].client)


def show_balance() -> None:
    import streamlit as st

    from dashboard.errors import report_errors

    with report_errors():
        st.write(st.session_state["user_session"].client.wallet.balance().available)
    st.write("the page continues")


BOUGHT = {"amount": 1, "available": 16, "receipt_id": None, "card_brand": "Visa", "card_last_four": "0000"}


def keys_sent(gateway: Gateway) -> list[str]:
    return [request.headers["Idempotency-Key"] for request in gateway.requests_to("POST", "/v1/purchases")]


def test_double_click_sends_the_same_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", ok(BOUGHT, 201))
    app = run_page(buy_on_each_run, {"amount": 1})
    app.run()
    first, second = keys_sent(gateway)
    assert first == second


def test_different_request_gets_a_different_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", ok(BOUGHT, 201))
    app = run_page(buy_on_each_run, {"amount": 1})
    app.session_state["amount"] = 2
    app.run()
    first, second = keys_sent(gateway)
    assert first != second


def test_unanswered_request_is_repeated_with_its_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", httpx.ReadTimeout("gone"))
    app = run_page(buy_on_each_run, {"amount": 1})
    assert "may or may not" in app.error[0].value or "connection broke" in app.error[0].value
    app.run()
    assert len(set(keys_sent(gateway))) == 1


def test_refused_request_is_repeated_with_a_new_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", problem(402, "card_declined"))
    app = run_page(buy_on_each_run, {"amount": 1})
    app.run()
    first, second = keys_sent(gateway)
    assert first != second


def test_error_is_escaped_and_the_page_continues(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(404, "wallet_not_found", "There is no <b>wallet</b>."))
    app = run_page(show_balance)
    assert [error.value for error in app.error] == [r"There is no \<b\>wallet\</b\>."]
    assert app.markdown[-1].value == "the page continues"
    assert not app.exception


def test_detail_for_other_interfaces_is_replaced(gateway: Gateway, run_page: RunPage) -> None:
    detail = "You have no model of this name; GET /v1/models lists yours."
    gateway.on("GET", "/v1/me/wallet", problem(404, "model_not_found", detail))
    app = run_page(show_balance)
    assert [error.value for error in app.error] == ["This model no longer exists."]


def test_invalid_field_is_named_once(gateway: Gateway, run_page: RunPage) -> None:
    errors = [{"pointer": "/amount", "detail": "It must be above zero."}]
    gateway.on(
        "GET", "/v1/me/wallet", problem(422, "invalid_input", "amount: It must be above zero.", errors=errors)
    )
    app = run_page(show_balance)
    assert [error.value for error in app.error] == ["**Amount**: It must be above zero."]


def test_error_at_a_field_is_shown_once_under_its_input(gateway: Gateway, run_page: RunPage) -> None:
    errors = [{"pointer": "/body/credit_card", "detail": "must have 12 to 19 digits."}]
    refusal = problem(422, "invalid_input", "credit_card: must have 12 to 19 digits.", errors=errors)
    gateway.on("POST", "/v1/purchases", refusal)
    app = run_page(buy_with_field_error)
    assert [error.value for error in app.error] == ["Must have 12 to 19 digits."]


def buy_with_field_error() -> None:
    import streamlit as st

    from dashboard.errors import spinner

    with spinner("Paying", {"credit_card": st.empty()}):
        st.session_state["user_session"].client.wallet.buy(1, credit_card="1")


def test_expired_login_ends_the_session_with_a_notice(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(401, "token_revoked"))
    gateway.on("POST", "/v1/sessions/refresh", problem(401, "refresh_token_invalid"))
    app = run_page(show_balance_if_logged_in)
    assert SESSION not in app.session_state
    assert app.session_state[NOTICE] == "Your session has ended; please log in again."


def show_balance_if_logged_in() -> None:
    import streamlit as st

    from dashboard.errors import report_errors

    if "user_session" in st.session_state:
        with report_errors():
            st.session_state["user_session"].client.wallet.balance()


def test_list_of_many_users_is_fast_and_loads_few_pages(gateway: Gateway, run_page: RunPage) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        first, size = int(request.url.params.get("page_token", 0)), int(request.url.params["page_size"])
        users = [_user(number) for number in range(first, min(first + size, MANY))]
        following = str(first + size) if first + size < MANY else None
        return ok({"items": users, "next_page_token": following})

    gateway.on("GET", "/v1/users", page)
    start = time.monotonic()
    app = run_page(show_user_list)
    assert len(app.dataframe[0].value) == 1000
    assert "search to find others" in app.caption[0].value
    assert len(gateway.requests_to("GET", "/v1/users")) == 5
    assert time.monotonic() - start < 20


def test_user_filters_are_sent_to_the_service(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/users", page_of(_user(1)))
    app = run_page(show_user_list)
    app.text_input[0].set_value("ada").run()
    app.number_input[0].set_value(10).run()
    params = gateway.requests_to("GET", "/v1/users")[-1].url.params
    assert (params["q"], params["min_tokens"]) == ("ada", "10")


def _user(number: int) -> dict[str, object]:
    wallet = {"tokens": 15, "held": 0, "available": 15}
    return {**wallet, "id": number, "name": f"user-{number}", "role": ME["role"], "disabled": False}
