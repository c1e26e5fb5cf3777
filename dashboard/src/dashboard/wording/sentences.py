"""What went wrong, in sentences. All pages tell all errors through here."""

from collections.abc import Generator
from contextlib import contextmanager

import streamlit as st

from dashboard.logins import visits
from dashboard.places import link
from dashboard.wording.texts import plain
from farebox import FareboxError, NotEnoughTokens, NotLoggedIn
from farebox.errors import InvalidInput, ServiceFault, Unauthenticated, WrongCredentials


def sentence(error: FareboxError) -> str:
    """One paragraph of Markdown in which nothing that a user wrote has a meaning."""
    parts = [plain(error.detail)]
    if isinstance(error, InvalidInput):
        parts += [f"**{plain(_field(each['pointer']))}**: {plain(each['detail'])}" for each in error.errors]
    if isinstance(error, ServiceFault) and error.request_id:
        parts.append(f"If it stays so, tell whoever runs Farebox: {plain(error.request_id)}")
    return "  \n".join(parts)


@contextmanager
def telling() -> Generator[None]:
    """An error on the way is told, and the page goes on; a login that has ended leads back to sign-in."""
    try:
        yield
    except FareboxError as error:
        if _has_ended(error):
            visits.leave(visits.EXPIRED)
            st.rerun()
        st.error(sentence(error), icon=":material/error:")
        if isinstance(error, NotEnoughTokens):
            link("wallet", "Get more tokens")


@contextmanager
def doing(what: str) -> Generator[None]:
    """As `telling`, for what takes a moment."""
    with telling(), st.spinner(what):
        yield


def _has_ended(error: FareboxError) -> bool:
    is_about_login = isinstance(error, NotLoggedIn | Unauthenticated) and not isinstance(
        error, WrongCredentials
    )
    return is_about_login and visits.VISIT in st.session_state


def _field(pointer: str) -> str:
    return pointer.rpartition("/")[2] or "request"
