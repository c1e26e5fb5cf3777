"""Logs of the pages: frames and types of exceptions, and no cell of a table."""

import logging

from dashboard.logs import SafeRecord

CELL = "a cell of a table"


def record(name: str, message: str, error: BaseException | None = None) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    made = SafeRecord(name, logging.ERROR, __file__, 1, message, (), info)
    return logging.Formatter("%(name)s %(message)s").format(made)


def test_exception_is_logged_without_its_message() -> None:
    try:
        try:
            raise LookupError(CELL)
        except LookupError as cause:
            raise ValueError(CELL) from cause
    except ValueError as error:
        text = record("streamlit.error_util", "Uncaught app execution", error)
    assert text.startswith("streamlit.error_util Uncaught app execution")
    assert {"ValueError", "LookupError"} <= set(text.splitlines())
    assert CELL not in text


def test_forgotten_task_is_logged_without_its_error() -> None:
    message = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{CELL}')>"
    assert record("asyncio", message) == "asyncio Task exception was never retrieved"


def test_other_messages_are_complete() -> None:
    assert record("streamlit", "first\nsecond") == "streamlit first\nsecond"
