"""Log records of all libraries without the messages of exceptions, which may quote cells of a table."""

import logging
import traceback


class SafeRecord(logging.LogRecord):
    """A record with the frames and the type of its exception; formatters use `exc_text` if it is there."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # pyright: ignore[reportArgumentType] - as `logging` calls it
        error = self.exc_info[1] if self.exc_info else None
        if error is not None:
            self.exc_text = "".join(_frames(error)).rstrip()
        if self.name == "asyncio":
            # The lines after the first quote the failed task.
            self.msg, self.args = self.getMessage().partition("\n")[0], ()


def keep_messages_of_exceptions_out() -> None:
    logging.setLogRecordFactory(SafeRecord)


def _frames(error: BaseException | None) -> list[str]:
    lines: list[str] = []
    while error is not None:
        lines += [*traceback.format_tb(error.__traceback__), f"{type(error).__qualname__}\n"]
        error = error.__cause__ or error.__context__
    return lines
