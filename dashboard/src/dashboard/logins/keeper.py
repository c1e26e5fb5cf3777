"""Sends the browser to fetch the cookie of a login that is new, was renewed or has ended."""

import streamlit as st
from streamlit.components.v2 import component

from dashboard.logins.held import HeldLogin, held_logins

TICKET, FOR = "login_ticket", "login_ticket_is_for"
# Whatever is drawn again is drawn with the same ticket, which is then used up.
SCRIPT = """
export default function ({ data }) {
  if (!data.ticket || window.fareboxTicket === data.ticket) return
  window.fareboxTicket = data.ticket
  fetch("/login", { method: "POST", body: data.ticket })
}
"""


def bring_up_to_date(login: HeldLogin | None) -> None:
    """Make the browser's cookie that of this login."""
    if login is not None and login.refresh_token not in (login.in_cookie, st.session_state.get(FOR, "")):
        st.session_state[FOR] = login.refresh_token
        st.session_state[TICKET] = held_logins().issue_ticket(login)
    fetch = component("farebox_login_keeper", js=SCRIPT)
    fetch(key="login_keeper", data={"ticket": st.session_state.get(TICKET, "")}, height=1)
