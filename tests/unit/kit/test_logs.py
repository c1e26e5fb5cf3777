"""Log lines of a separate process, since `configure_logging` changes the whole process."""

import json
import logging
import logging.handlers
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from kit.logs import BatchHandler

SCRIPT = """
import asyncio, logging, sys, warnings
from pathlib import Path
import structlog
logging.getLogger("eager.library").addHandler(logging.StreamHandler(sys.stdout))
from kit.log_fields import bind_fields
from kit.logs import configure_logging

configure_logging("billing", "INFO", Path(sys.argv[1]))
bind_fields(request_id="r-1")
log = structlog.stdlib.get_logger()
log.info("tokens_held", user=7)
log.debug("not_shown")
logging.getLogger("a.library").warning("said %s", "something")
try:
    try:
        raise LookupError("a cell of somebody's table")
    except LookupError as cause:
        raise ValueError("another cell") from cause
except ValueError as error:
    log.error("crash", exc_info=error)
    logging.getLogger("a.library").exception("broke")
logging.getLogger("a.library").error("failed with %s", ValueError("a cell"))
logging.getLogger("a.library").error(ValueError("a cell"))
logging.getLogger("eager.library").error("Compute Failed\\nException: %r", "ValueError('a cell')")
warnings.warn("unknown category: a cell")
async def forget():
    asyncio.get_running_loop().call_soon(float, "a cell")
    await asyncio.wait([asyncio.create_task(asyncio.to_thread(float, "a cell"))])
asyncio.run(forget())
"""


KILLED = """
import os, signal, sys
import structlog
from kit.app import _end
from kit.logs import configure_logging

configure_logging("billing", "INFO", None)
signal.signal(signal.SIGTERM, _end)
for number in range(1000):
    structlog.stdlib.get_logger().info("prediction_made", number=number)
os.kill(os.getpid(), signal.SIGTERM)
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Standard output, and server.log."""
    folder = tmp_path_factory.mktemp("logs")
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    completed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own script
    return completed.stdout, Path(folder / "server.log").read_text()


@pytest.fixture
def lines(written: tuple[str, str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written[0].splitlines()]


def test_file_and_standard_output_have_the_same_lines(written: tuple[str, str]) -> None:
    first, second = ([json.loads(line)["event"] for line in output.splitlines()] for output in written)
    assert first == second


def test_line_is_json_with_event_and_request_id(lines: list[dict[str, Any]]) -> None:
    first = lines[0]
    assert (first["event"], first["user"], first["request_id"]) == ("tokens_held", 7, "r-1")
    assert (first["service"], first["level"]) == ("billing", "info")


def test_line_below_the_level_is_not_written(written: tuple[str, str]) -> None:
    assert "not_shown" not in written[0]


def test_lines_of_libraries_are_json(lines: list[dict[str, Any]]) -> None:
    assert (lines[1]["event"], lines[1]["level"], lines[1]["service"]) == (
        "said something",
        "warning",
        "billing",
    )


@pytest.mark.parametrize("number", [2, 3])
def test_crash_is_logged_with_traceback_and_type_but_no_message(
    lines: list[dict[str, Any]], number: int
) -> None:
    shown = lines[number]["exception"]
    assert "LookupError" in shown
    assert "ValueError" in shown
    assert "line 17" in shown
    assert "cell" not in shown


def test_messages_of_libraries_quote_no_values(written: tuple[str, str], lines: list[dict[str, Any]]) -> None:
    assert "a cell" not in "".join(written)
    assert [line["event"].partition(" at ")[0] for line in lines[4:]] == [
        "failed with ValueError",
        "ValueError",
        "Compute Failed",
        "UserWarning",
        "Exception in callback",
        "Task exception was never retrieved",
    ]


def test_last_lines_are_written_when_the_process_is_terminated() -> None:
    completed = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True)  # noqa: S603 - our own script
    assert completed.returncode == -signal.SIGTERM
    assert [json.loads(line)["number"] for line in completed.stdout.splitlines()] == list(range(1000))


def _log_lines(logger: logging.Logger, thread: int) -> None:
    for line in range(2000):
        logger.info("%d %d", thread, line)


def test_lines_of_many_threads_are_all_written_once_and_in_order() -> None:
    output = logging.handlers.BufferingHandler(10**9)
    handler = BatchHandler([output])
    logger = logging.getLogger("test of threads")
    logger.propagate, logger.level, logger.handlers = False, logging.INFO, [handler]
    threads = [threading.Thread(target=_log_lines, args=(logger, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handler.flush()
    lines = [line.split() for batch in output.buffer for line in batch.getMessage().split("\n")]
    assert len(lines) == 8000
    for thread in range(4):
        assert [int(line) for first, line in lines if int(first) == thread] == list(range(2000))
