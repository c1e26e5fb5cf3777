"""For administrators: everybody's accounts, prices, usage and the books."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Literal

import streamlit as st

from dashboard.logins.visits import Visit
from dashboard.people.actions import show_actions
from dashboard.people.health import show_books, show_health
from dashboard.people.listing import MOST_ROWS, list_users
from dashboard.people.prices import show_prices
from dashboard.wording.figures import today, words
from dashboard.wording.sentences import telling
from dashboard.wording.usage import DAYS, show_usage
from farebox import Farebox
from farebox.results.wallet import Usage

Group = Literal["day", "action", "model", "user"]
GROUPS: list[Group] = ["day", "action", "model", "user"]


def show(visit: Visit) -> None:
    st.title("Administration")
    client = visit.client
    users, prices, usage, system = st.tabs(["Users", "Prices", "Usage", "System"])
    with users, telling():
        show_actions(client, visit.user, list_users(client))
    with prices, telling():
        show_prices(client)
    with usage, telling():
        _show_usage(client)
    with system, telling():
        show_health(client)
        show_books(client)


def _show_usage(client: Farebox) -> None:
    group: Group = st.segmented_control("By", GROUPS, default="day", format_func=words, required=True)
    since = today() - timedelta(days=DAYS) if group == "day" else None
    usage = client.admin.usage(group, since=since)
    show_usage(_with_names(client, usage) if group == "user" else usage, group)


def _with_names(client: Farebox, usage: Iterable[Usage]) -> Iterator[Usage]:
    """Those who are gone, and those beyond the first many, keep their number."""
    names = {str(each.id): each.name for each in islice(client.admin.users(), MOST_ROWS)}
    for each in usage:
        yield each.model_copy(update={"group": names.get(each.group or "", each.group)})
