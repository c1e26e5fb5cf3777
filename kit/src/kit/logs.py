"""Logging: JSON lines to standard output and, with LOG_DIR, to a rotating server.log."""

import logging
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

LARGEST_FILE = 10 * 1024 * 1024
KEPT_FILES = 5


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Renders library records; our own are already JSON, rendered once for all handlers."""

    def format(self, record: logging.LogRecord) -> str:
        return record.msg if hasattr(record, "is_json") else super().format(record)


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
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    if log_dir is not None:
        log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(log_dir / "server.log", maxBytes=LARGEST_FILE, backupCount=KEPT_FILES)
        )
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=handlers, force=True)
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
