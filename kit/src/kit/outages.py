"""Outages of the database, the disk and other services: one table of errors that become 503 or 507."""

import errno

import asyncpg
import httpx
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kit.errors import ServiceError, StorageFull, Unavailable

FULL_DISK = "The disk of this installation is full; retry when its operator has made room."
READ_ONLY_DATABASE = "The database accepts no changes at the moment; please retry."
UNUSABLE_DISK = "The storage of this installation cannot be used at the moment; please retry."
OUT_OF_FILES = "The server has too many open files; please retry."

OUTAGES: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.LockNotAvailableError, "The database is busy with the same rows; please retry."),
    (asyncpg.DeadlockDetectedError, "Two requests changed the same rows; please retry."),
    (asyncpg.SerializationError, "Two requests changed the same rows; please retry."),
    (asyncpg.QueryCanceledError, "The database took too long; please retry."),
    (asyncpg.TooManyConnectionsError, "The database has no free connection; please retry."),
    (asyncpg.DiskFullError, FULL_DISK),
    (asyncpg.OutOfMemoryError, "The database has too little memory; please retry."),
    (asyncpg.PostgresIOError, "The database cannot use its disk at the moment; please retry."),
    (asyncpg.ReadOnlySQLTransactionError, READ_ONLY_DATABASE),
    (asyncpg.CannotConnectNowError, "The database is starting; please retry."),
    (asyncpg.OperatorInterventionError, "The database is restarting; please retry."),
    (asyncpg.PostgresConnectionError, "The database cannot be reached; please retry."),
    (asyncpg.InterfaceError, "The connection to the database was lost; please retry."),
    # asyncpg's error when a connection breaks in the middle of a statement.
    (asyncpg.InternalClientError, "The connection to the database was lost; please retry."),
    (PoolTimeout, "Every database connection is in use; please retry."),
    (InterfaceError, "The connection to the database was lost; please retry."),
    (httpx.TransportError, "Another part of Farebox cannot be reached; please retry."),
    (ConnectionError, "Another part of Farebox cannot be reached; please retry."),
    (TimeoutError, "Another part of Farebox took too long; please retry."),
    (MemoryError, "The server has too little memory for this; send less at once, or retry."),
)
# Errors of the operating system, by number: their class says little. A missing file is none of them.
OUTAGES_OF_FILES = {
    errno.ENOSPC: FULL_DISK,
    errno.EDQUOT: FULL_DISK,
    errno.EROFS: UNUSABLE_DISK,
    errno.EACCES: UNUSABLE_DISK,
    errno.EPERM: UNUSABLE_DISK,
    errno.EIO: UNUSABLE_DISK,
    errno.ESTALE: UNUSABLE_DISK,
    errno.EMFILE: OUT_OF_FILES,
    errno.ENFILE: OUT_OF_FILES,
}


def describe_outage(error: BaseException) -> str | None:
    """A sentence for an expected outage, or None when the error is a bug."""
    cause: BaseException | None = error
    while cause is not None:
        sentence = _describe(cause)
        if sentence is not None:
            return sentence
        original = cause.orig if isinstance(cause, DBAPIError) else None
        # SQLAlchemy wraps asyncpg's error twice; the original is the wrapper's cause.
        cause = original if original is not None else cause.__cause__
    return None


def outage_error(error: BaseException) -> ServiceError | None:
    """The error for the caller: 507 for a full disk, 503 for another outage, None for a bug."""
    sentence = describe_outage(error)
    if sentence is None:
        return None
    return StorageFull(sentence) if sentence == FULL_DISK else Unavailable(sentence)


def _describe(error: BaseException) -> str | None:
    for kind, sentence in OUTAGES:
        if isinstance(error, kind):
            return sentence
    return OUTAGES_OF_FILES.get(error.errno or 0) if isinstance(error, OSError) else None
