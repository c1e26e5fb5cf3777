"""What is around every page: who may see which, the menu, and the word when something went wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from dashboard import places
from dashboard.logins import keeper, visits
from dashboard.pages import account, admin, api_keys, home, models, predict, sign_in, train, wallet
from dashboard.wording.figures import tokens
from dashboard.wording.sentences import doing, telling


@dataclass(frozen=True)
class Place:
    path: str
    title: str
    icon: str
    show: Callable[[visits.Visit], None]
    for_admins: bool = False


PLACES = (
    Place("home", "Home", ":material/home:", home.show),
    Place("train", "Train", ":material/model_training:", train.show),
    Place("models", "Models", ":material/deployed_code:", models.show),
    Place("predict", "Predict", ":material/bolt:", predict.show),
    Place("wallet", "Wallet", ":material/toll:", wallet.show),
    Place("api-keys", "API keys", ":material/key:", api_keys.show),
    Place("account", "Account", ":material/person:", account.show),
    Place("admin", "Administration", ":material/admin_panel_settings:", admin.show, for_admins=True),
)
ICON = Path(__file__).with_name("icon.png")


def show_page() -> None:
    with telling():
        visit = visits.current()
        layout = "centered" if visit is None else "wide"
        st.set_page_config(page_title="Farebox", page_icon=ICON, layout=layout)
        keeper.bring_up_to_date(visit.login if visit else st.session_state.get(visits.ENDED))
        if visit is None:
            _ask_to_sign_in()
        else:
            _show_places(visit)


def _ask_to_sign_in() -> None:
    """At any address, so that whoever signs in is where they wanted to be."""
    first, *others = PLACES
    pages = [st.Page(sign_in.show, title="Farebox", url_path=each.path) for each in others]
    st.navigation([st.Page(sign_in.show, title=first.title, default=True), *pages], position="hidden").run()


def _show_places(visit: visits.Visit) -> None:
    usable = [each for each in PLACES if visit.user.role == "admin" or not each.for_admins]
    pages = {each.path: _page(each, visit) for each in usable}
    places.remember(pages)
    page = st.navigation(list(pages.values()))
    _show_account(visit)
    page.run()


def _page(place: Place, visit: visits.Visit) -> st.Page:
    return st.Page(
        partial(place.show, visit),
        title=place.title,
        icon=place.icon,
        url_path=place.path,
        default=place is PLACES[0],
    )


def _show_account(visit: visits.Visit) -> None:
    with st.sidebar, telling():
        st.text(visit.user.display_name or visit.user.name)
        st.caption(tokens(visit.client.wallet.balance().available))
        if st.button("Sign out", icon=":material/logout:"):
            with doing("Signing out"):
                visits.sign_out()
                st.rerun()
