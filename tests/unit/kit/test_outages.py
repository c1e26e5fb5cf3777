import errno

import asyncpg
import httpx
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from kit.outages import OUTAGES, describe_outage
from kit.problems import from_crash

REASONS = [kind for kind, _ in OUTAGES]
FULL = [OSError(errno.ENOSPC, "x"), OSError(errno.EDQUOT, "x"), asyncpg.DiskFullError("x")]
UNUSABLE = [
    OSError(number, "x") for number in (errno.EROFS, errno.EACCES, errno.EIO, errno.EMFILE, errno.ENFILE)
]


@pytest.mark.parametrize("kind", REASONS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_error_of_the_table_is_an_outage(kind: type[BaseException]) -> None:
    error = kind.__new__(kind)
    assert describe_outage(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.LockNotAvailableError("wallet 7"),
        asyncpg.DeadlockDetectedError("wallet 7"),
        asyncpg.CannotConnectNowError("starting"),
    ],
)
def test_outage_is_recognised_inside_sqlalchemys_wrapper(error: asyncpg.PostgresError) -> None:
    driver = Exception("the dialect's own error")
    driver.__cause__ = error
    wrapped = DBAPIError("SELECT 1", None, driver)
    response = from_crash(wrapped)
    assert response.status == 503
    assert response.headers == {"Retry-After": "1"}
    assert "wallet 7" not in response.detail


@pytest.mark.parametrize("error", [httpx.ConnectError("no route"), httpx.ReadTimeout("slow")])
def test_unreachable_service_is_an_outage(error: Exception) -> None:
    assert from_crash(error).status == 503


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.UndefinedTableError("x"),
        IntegrityError("INSERT", None, Exception("twice")),
        OSError("disk full"),
        FileNotFoundError(errno.ENOENT, "x"),
    ],
)
def test_bug_is_not_an_outage(error: Exception) -> None:
    assert from_crash(error).status == 500


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_full_disk_answers_507(error: Exception) -> None:
    response = from_crash(error)
    assert (response.status, response.code) == (507, "storage_full")
    assert response.headers == {"Retry-After": "60"}


@pytest.mark.parametrize(
    "error", [*UNUSABLE, asyncpg.ReadOnlySQLTransactionError("x"), MemoryError()], ids=repr
)
def test_storage_or_memory_that_cannot_be_used_answers_503(error: Exception) -> None:
    assert from_crash(error).status == 503
