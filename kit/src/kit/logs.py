"""Logging: JSON lines to standard output and, with LOG_DIR, to a rotating server.log."""

import logging
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

LARGEST_FILE = 10 * 1024 * 1024
KEPT_FILES = 5
BATCH_SECONDS = 0.05
LARGEST_BATCH = 10_000


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Renders library records; our own are already JSON, rendered once for all handlers."""

    def format(self, record: logging.LogRecord) -> str:
        return record.msg if hasattr(record, "is_json") else super().format(record)


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
        self._lines.append(self.format(record))
        if record.levelno >= logging.WARNING or len(self._lines) >= LARGEST_BATCH:
            self.flush()
        elif not self._waiting.is_set():
            self._waiting.set()

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


def configure_logging(service: str, level: str, log_dir: Path | None) -> None:
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_service(service),
        _frames_of_exception,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, _to_json],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    renderer = structlog.processors.JSONRenderer(serializer=_dump)
    formatter = JsonLines(foreign_pre_chain=shared, processors=[remove_meta, renderer])
    outputs: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        outputs.append(
            RotatingFileHandler(log_dir / "server.log", maxBytes=LARGEST_FILE, backupCount=KEPT_FILES)
        )
    handler = BatchHandler(outputs)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _skip_unused_record_fields()
    # These log every request or query, including URLs and parameters.
    for verbose in ("httpx", "httpcore", "uvicorn.access", "sqlalchemy.engine", "asyncio"):
        logging.getLogger(verbose).setLevel(logging.WARNING)


def _skip_unused_record_fields() -> None:
    """Apply the "Optimization" section of logging's documentation; walking the stack cost the most."""
    logging._srcfile = None  # pyright: ignore[reportPrivateUsage] - documented, though private
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


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


def _to_json(_logger: WrappedLogger, _method: str, event: EventDict) -> tuple[tuple[str], dict[str, object]]:
    return (_dump(event),), {"extra": {"is_json": True}}


def _name_service(service: str) -> structlog.typing.Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add


def _dump(event: EventDict, **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()
