"""Logging: JSON lines to standard output and, with LOG_DIR, to a rotating server.log."""

import logging
import re
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from kit.log_fields import merge_fields

LARGEST_FILE = 10 * 1024 * 1024
KEPT_FILES = 5
BATCH_SECONDS = 0.05
LARGEST_BATCH = 10_000
# asyncio names the callback with its arguments.
CALLBACK = re.compile(r"^(Exception in callback) .*")


class BatchHandler(logging.Handler):
    """Renders each line once and writes many lines together: one write per output took most of a line's time.

    A line waits at most `BATCH_SECONDS`; a warning is written at once, with all lines before it.
    """

    def __init__(self, outputs: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._outputs = outputs
        self._lines: deque[str] = deque()
        self._writing = threading.Lock()
        self._waiting = threading.Event()
        threading.Thread(target=self._flush_forever, name="log writer", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        write = self.write if record.levelno < logging.WARNING else self.write_at_once
        write(self.format(record))

    def write(self, line: str) -> None:
        self._lines.append(line)
        if len(self._lines) >= LARGEST_BATCH:
            self.flush()
        elif not self._waiting.is_set():
            self._waiting.set()

    def write_at_once(self, line: str) -> None:
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        with self._writing:  # so that batches are written in the order of their lines
            # Other threads append meanwhile; `popleft` loses none of their lines.
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if lines:
                batch = logging.makeLogRecord({"msg": "\n".join(lines)})
                for output in self._outputs:
                    output.handle(batch)

    def _flush_forever(self) -> None:
        while True:
            self._waiting.wait()
            self._waiting.clear()
            time.sleep(BATCH_SECONDS)
            self.flush()


class EventLogger:
    """The last step of structlog: lines without a LogRecord, which took half of a line's time."""

    def __init__(self, handler: BatchHandler) -> None:
        self.debug = self.info = handler.write
        self.warning = self.error = self.critical = handler.write_at_once


def configure_logging(service: str, level: str, log_dir: Path | None) -> None:
    processors: list[structlog.typing.Processor] = [
        merge_fields,
        _complete_event(service),
        _frames_of_exception,
    ]
    handler = BatchHandler(_create_outputs(log_dir))
    structlog.configure(
        processors=[*processors, _render],
        logger_factory=lambda *_name: EventLogger(handler),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=processors, processors=[remove_meta, _render])
    )
    handler.addFilter(_remove_values)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _take_over_loggers()
    warnings.showwarning = _log_warning
    _skip_unused_record_fields()
    # These log every request or query, including URLs and parameters.
    for verbose in ("httpx", "httpcore", "uvicorn.access", "sqlalchemy.engine", "asyncio"):
        logging.getLogger(verbose).setLevel(logging.WARNING)


def _create_outputs(log_dir: Path | None) -> list[logging.Handler]:
    outputs: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        outputs.append(
            RotatingFileHandler(log_dir / "server.log", maxBytes=LARGEST_FILE, backupCount=KEPT_FILES)
        )
    return outputs


def _take_over_loggers() -> None:
    """Remove the handlers that libraries, such as Dask, gave their loggers at import."""
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True


def _log_warning(
    _message: Warning | str, category: type[Warning], filename: str, lineno: int, *_rest: object
) -> None:
    """Log where a warning arose; its message may quote user data, such as categories of a table."""
    logging.getLogger("py.warnings").warning("%s at %s:%d", category.__name__, filename, lineno)


def _skip_unused_record_fields() -> None:
    """Apply the "Optimization" section of logging's documentation; walking the stack cost the most."""
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage] - documented, though private
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _remove_values(record: logging.LogRecord) -> bool:
    """Filter: keep the first line of a library's message, and of an exception in it the type.

    asyncio and Dask quote the failed call, its arguments and its error in the lines after it.
    """
    if isinstance(record.args, tuple):
        record.args = tuple(map(_type_of_exception, record.args))
    record.msg = _type_of_exception(record.msg)
    record.msg, record.args = CALLBACK.sub(r"\1", record.getMessage().partition("\n")[0]), ()
    return True


def _type_of_exception(value: object) -> object:
    return type(value).__qualname__ if isinstance(value, BaseException) else value


def _frames_of_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Log traceback and type without the message, since database and validator messages quote user data."""
    error = _find_error(event.pop("exc_info", None))
    chain: list[str] = []
    while error is not None:
        chain += [*traceback.format_tb(error.__traceback__), type(error).__qualname__ + "\n"]
        error = error.__cause__ or error.__context__
    if chain:
        event["exception"] = "".join(chain)
    return event


def _find_error(exc_info: object) -> BaseException | None:
    """Find the exception in any form that `logging` accepts."""
    match exc_info:
        case BaseException():
            return exc_info
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
        case _:
            return None


def _complete_event(service: str) -> structlog.typing.Processor:
    """Add level, time and service; structlog's processors for these took three times as long."""

    def complete(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["level"] = method
        event["timestamp"] = datetime.now(UTC)
        event["service"] = service
        return event

    return complete


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z).decode()
