"""Error messages on pages: `report_errors` shows every error of the client library."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.formatting import capitalize_first, escape, title_case
from dashboard.layout import page_link
from dashboard.session import user_session
from farebox import FareboxError, NotEnoughTokens
from farebox.errors import InvalidInput, ServiceFault

Fields = Mapping[str, DeltaGenerator]
# Labels of API fields, where they differ from the field name.
LABELS = {
    "name": "Name",
    "credit_card": "Card number",
    "token_cap": "Token limit",
    "params": "Advanced options",
}

# Replacements for details that name a route or an idempotency key: a page has neither.
MESSAGES = {
    "api_key_not_found": "This API key no longer exists.",
    "card_declined": "The card was declined and nothing was charged. Use another card.",
    "dataset_not_found": "This dataset no longer exists.",
    "idempotency_twin_running": "The same request is still running. Try again in a moment.",
    "internal_error": "Something went wrong on our side.",
    "job_not_found": "This job no longer exists.",
    "model_not_found": "This model no longer exists.",
    "own_account": "You cannot disable or delete your own account.",
    "quote_expired": "The price has expired. Reload the page and try again.",
    "quote_not_found": "The price has expired. Reload the page and try again.",
    "receipt_not_found": "This receipt does not exist.",
    "upstream_lost": "The connection was lost. Try again in a moment; nothing is charged twice.",
    "upstream_slow": "This is taking longer than usual. Try again in a moment; nothing is charged twice.",
}


@contextmanager
def report_errors(fields: Fields | None = None) -> Generator[None]:
    """Show an error and continue the page; an expired session leads to the login form.

    `fields` maps a field of the API to the placeholder for its error, under the input.
    """
    try:
        yield
    except FareboxError as error:
        if user_session.has_expired(error):
            user_session.leave(user_session.EXPIRED)
            st.rerun()
        _show(error, fields or {})


@contextmanager
def spinner(text: str, fields: Fields | None = None) -> Generator[None]:
    """Report errors as above, with a spinner for the duration."""
    with report_errors(fields), st.spinner(text):
        yield


def message_of(error: FareboxError) -> str:
    """One paragraph of Markdown in which user-supplied text is escaped."""
    lines = [_field_message(*field_error) for field_error in _field_errors(error)]
    if not lines:
        lines.append(escape(MESSAGES.get(error.code, error.detail)))
    if isinstance(error, ServiceFault) and error.request_id:
        lines.append(
            f"If this keeps happening, send this request ID to your administrator: {escape(error.request_id)}"
        )
    return "  \n".join(lines)


def _show(error: FareboxError, fields: Fields) -> None:
    at_fields = [field_error for field_error in _field_errors(error) if field_error[0] in fields]
    if at_fields and len(at_fields) == len(_field_errors(error)):
        for field, detail in at_fields:
            fields[field].error(escape(capitalize_first(detail)))
        return
    st.error(message_of(error), icon=":material/error:")
    if isinstance(error, NotEnoughTokens):
        page_link("wallet", "Get more tokens")


def _field_errors(error: FareboxError) -> list[tuple[str, str]]:
    if not isinstance(error, InvalidInput):
        return []
    return [
        (field_error["pointer"].rpartition("/")[2], field_error["detail"]) for field_error in error.errors
    ]


def _field_message(field: str, detail: str) -> str:
    label = LABELS.get(field, title_case(field))
    return f"**{escape(label)}**: {escape(detail)}" if field else escape(capitalize_first(detail))
