"""Account page and the forms before login: change the password, and register."""

import pytest
from tests.unit.dashboard.conftest import RunPage

from dashboard.session import user_session

pytestmark = pytest.mark.slow


def show_page() -> None:
    import streamlit as st

    from dashboard.pages import account

    account.show(st.session_state["user_session"])


@pytest.mark.parametrize("revoke", [True, False])
def test_password_change_revokes_api_keys_on_request(
    run_page: RunPage, monkeypatch: pytest.MonkeyPatch, revoke: bool
) -> None:
    changes: list[tuple[object, ...]] = []

    def change_password(*passwords: str, revoke_api_keys: bool) -> None:
        changes.append((*passwords, revoke_api_keys))

    monkeypatch.setattr(user_session, "change_password", change_password)
    app = run_page(show_page)
    current, new, again = app.text_input
    current.set_value("the old one")
    new.set_value("the new one")
    again.set_value("the new one")
    [checkbox] = app.checkbox
    assert checkbox.label == "Revoke all API keys"
    checkbox.set_value(revoke)
    app.button[0].click().run()
    assert changes == [("ada@example.org", "the old one", "the new one", revoke)]


def show_forms_before_login() -> None:
    from dashboard.pages import account

    account.show_login()


@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_form_to_register_is_hidden_while_sign_up_is_closed(
    run_page: RunPage, monkeypatch: pytest.MonkeyPatch, sign_up: str
) -> None:
    monkeypatch.setenv("SIGN_UP", sign_up)
    app = run_page(show_forms_before_login)
    assert ("Register" in [button.label for button in app.button]) is (sign_up == "open")
    assert [info.value for info in app.info] == (
        [] if sign_up == "open" else ["Sign-up is closed. Ask an administrator to create your account."]
    )
