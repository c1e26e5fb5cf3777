"""What pages do with what the gateway answers."""

import time

import httpx
import pytest
from tests.unit.client.gateway import Gateway, ok, problem
from tests.unit.dashboard.conftest import ME, RunPage, page_of

from dashboard.logins.visits import VISIT, WHY

pytestmark = pytest.mark.slow
MANY = 10_000


def ask_with_double_click() -> None:
    import streamlit as st

    from dashboard.orders.once import once
    from dashboard.wording.sentences import telling

    with telling(), once("buy", {"amount": st.session_state["amount"]}) as key:
        st.session_state["visit"].client.wallet.buy(1, credit_card="1", idempotency_key=key)


def list_everybody() -> None:
    import streamlit as st

    from dashboard.people.listing import list_users

    list_users(st.session_state["visit"].client)


def look_at_the_balance() -> None:
    import streamlit as st

    from dashboard.wording.sentences import telling

    with telling():
        st.write(st.session_state["visit"].client.wallet.balance().available)
    st.write("the page goes on")


BOUGHT = {"amount": 1, "available": 16, "receipt_id": None, "card_brand": "Visa", "card_last_four": "0000"}


def keys_sent(gateway: Gateway) -> list[str]:
    return [each.headers["Idempotency-Key"] for each in gateway.requests_to("POST", "/v1/purchases")]


def test_the_second_half_of_a_double_click_goes_out_under_the_first_ones_key(
    gateway: Gateway, run_page: RunPage
) -> None:
    gateway.on("POST", "/v1/purchases", ok(BOUGHT, 201))
    app = run_page(ask_with_double_click, {"amount": 1})
    app.run()
    first, second = keys_sent(gateway)
    assert first == second


def test_another_order_gets_another_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", ok(BOUGHT, 201))
    app = run_page(ask_with_double_click, {"amount": 1})
    app.session_state["amount"] = 2
    app.run()
    first, second = keys_sent(gateway)
    assert first != second


def test_an_order_that_got_no_answer_is_repeated_under_its_key(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("POST", "/v1/purchases", httpx.ReadTimeout("gone"))
    app = run_page(ask_with_double_click, {"amount": 1})
    assert "may or may not" in app.error[0].value or "connection broke" in app.error[0].value
    app.run()
    assert len(set(keys_sent(gateway))) == 1


def test_an_order_that_was_refused_may_be_made_again_under_a_new_key(
    gateway: Gateway, run_page: RunPage
) -> None:
    gateway.on("POST", "/v1/purchases", problem(402, "card_declined"))
    app = run_page(ask_with_double_click, {"amount": 1})
    app.run()
    first, second = keys_sent(gateway)
    assert first != second


def test_an_error_is_a_sentence_and_the_page_goes_on(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(404, "wallet_not_found", "There is no <b>wallet</b>."))
    app = run_page(look_at_the_balance)
    assert [each.value for each in app.error] == [r"There is no \<b\>wallet\</b\>."]
    assert app.markdown[-1].value == "the page goes on"
    assert not app.exception


def test_each_field_that_was_refused_is_named(gateway: Gateway, run_page: RunPage) -> None:
    errors = [{"pointer": "/amount", "detail": "It must be above zero."}]
    gateway.on("GET", "/v1/me/wallet", problem(422, "invalid_input", "Mend this.", errors=errors))
    app = run_page(look_at_the_balance)
    assert app.error[0].value.endswith(r"**amount**: It must be above zero.")


def test_a_login_that_has_ended_leads_out_with_a_word_why(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/me/wallet", problem(401, "token_revoked"))
    gateway.on("POST", "/v1/sessions/refresh", problem(401, "refresh_token_invalid"))
    app = run_page(leave_when_ended)
    assert VISIT not in app.session_state
    assert app.session_state[WHY] == "Your session has ended; please sign in again."


def leave_when_ended() -> None:
    import streamlit as st

    from dashboard.wording.sentences import telling

    if "visit" in st.session_state:
        with telling():
            st.session_state["visit"].client.wallet.balance()


def test_a_table_of_very_many_users_is_quick_and_asks_for_few_pages(
    gateway: Gateway, run_page: RunPage
) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        start, size = int(request.url.params.get("page_token", 0)), int(request.url.params["page_size"])
        users = [_user(number) for number in range(start, min(start + size, MANY))]
        following = str(start + size) if start + size < MANY else None
        return ok({"items": users, "next_page_token": following})

    gateway.on("GET", "/v1/users", page)
    began = time.monotonic()
    app = run_page(list_everybody)
    assert len(app.dataframe[0].value) == 1000
    assert "search to see others" in app.caption[0].value
    assert len(gateway.requests_to("GET", "/v1/users")) == 5
    assert time.monotonic() - began < 20


def test_what_is_searched_for_is_searched_by_the_service(gateway: Gateway, run_page: RunPage) -> None:
    gateway.on("GET", "/v1/users", page_of(_user(1)))
    app = run_page(list_everybody)
    app.text_input[0].set_value("ada").run()
    app.number_input[0].set_value(10).run()
    params = gateway.requests_to("GET", "/v1/users")[-1].url.params
    assert (params["q"], params["min_tokens"]) == ("ada", "10")


def _user(number: int) -> dict[str, object]:
    wallet = {"tokens": 15, "held": 0, "available": 15}
    return {**wallet, "id": number, "name": f"user-{number}", "role": ME["role"], "disabled": False}
