"""App shell, the script that Streamlit runs for each page view: pages, navigation and login."""

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from dashboard.errors import report_errors, spinner
from dashboard.formatting import escape, short_time, tokens
from dashboard.layout import set_pages
from dashboard.pages import account
from dashboard.session import user_session
from dashboard.session.cookie import sync_cookie
from dashboard.session.user_session import UserSession
from dashboard.widgets.model_summary import load_type_titles


@dataclass(frozen=True)
class Page:
    path: str
    title: str
    icon: str
    for_admins: bool = False

    def show(self, session: UserSession) -> None:
        # Imported at the first visit: the login page needs neither pandas nor Altair, which take 90 MB.
        import_module(f"dashboard.pages.{self.path.replace('-', '_')}").show(session)


PAGES = (
    Page("home", "Home", ":material/home:"),
    Page("train", "Train", ":material/model_training:"),
    Page("models", "Models", ":material/deployed_code:"),
    Page("predict", "Predict", ":material/bolt:"),
    Page("wallet", "Wallet", ":material/toll:"),
    Page("groups", "Groups", ":material/groups:"),
    Page("api-keys", "API keys", ":material/key:"),
    Page("account", "Account", ":material/person:"),
    Page("admin", "Administration", ":material/admin_panel_settings:", for_admins=True),
)
ICON = Path(__file__).parent.with_name("icon.png")


def main() -> None:
    with report_errors():
        session = user_session.current_session()
        st.set_page_config(page_title="Farebox", page_icon=ICON, layout="wide" if session else "centered")
        sync_cookie(session.login if session else st.session_state.get(user_session.ENDED_LOGIN))
        if session is None:
            _show_login()
        else:
            _show_page(session)


def _show_login() -> None:
    """The login form at every path, so that the login leads to the requested page."""
    default, *others = PAGES
    pages = [st.Page(account.show_login, title="Log in", url_path=page.path) for page in others]
    pages.append(st.Page(account.show_login, title=default.title, default=True))
    st.navigation(pages, position="hidden").run()


def _show_page(session: UserSession) -> None:
    allowed = [page for page in PAGES if session.user.role == "admin" or not page.for_admins]
    pages = {page.path: _streamlit_page(page, session) for page in allowed}
    set_pages(pages)
    page = st.navigation(list(pages.values()))
    st.set_page_config(page_title=f"{page.title} · Farebox")
    _show_account(session)
    load_type_titles(session.client)
    page.run()


def _streamlit_page(page: Page, session: UserSession) -> st.Page:
    return st.Page(
        partial(page.show, session),
        title=page.title,
        icon=page.icon,
        url_path=page.path,
        default=page is PAGES[0],
    )


def _show_account(session: UserSession) -> None:
    with st.sidebar, report_errors():
        st.text(session.user.display_name or session.user.name)
        _show_payer(session)
        if st.button("Log out", icon=":material/logout:"):
            with spinner("Logging out"):
                user_session.log_out()
                st.rerun()


def _show_payer(session: UserSession) -> None:
    """The tokens that can be spent, and the group that pays if it is not the own wallet."""
    funds = session.client.budgets.funds()
    st.caption(tokens(funds.available))
    if funds.group_id is not None:
        group = session.client.groups.get(funds.group_id)
        renewal = f"; next allowance {short_time(funds.renews_at)}" if funds.renews_at else ""
        st.caption(f"paid by {escape(group.name)}{renewal}")


main()
