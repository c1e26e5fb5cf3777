"""Outages of the database and of other services: one table of errors that become 503."""

import asyncpg
import httpx
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

OUTAGES: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.LockNotAvailableError, "The database is busy with the same rows; please retry."),
    (asyncpg.DeadlockDetectedError, "Two requests changed the same rows; please retry."),
    (asyncpg.SerializationError, "Two requests changed the same rows; please retry."),
    (asyncpg.QueryCanceledError, "The database took too long; please retry."),
    (asyncpg.TooManyConnectionsError, "The database has no free connection; please retry."),
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
)


def describe_outage(error: BaseException) -> str | None:
    """A sentence for an expected outage, or None when the error is a bug."""
    cause: BaseException | None = error
    while cause is not None:
        for kind, sentence in OUTAGES:
            if isinstance(cause, kind):
                return sentence
        original = cause.orig if isinstance(cause, DBAPIError) else None
        # SQLAlchemy wraps asyncpg's error twice; the original is the wrapper's cause.
        cause = original if original is not None else cause.__cause__
    return None
