"""Idempotency keys: the header, and first answers, which are stored and replayed to retries.

A request with a key claims the key, does its work and stores its answer; a retry receives the stored answer.
A twin that arrives while the first request runs is refused with 409. The claim is a lease: if the process
dies, the key is free again when the lease ends. Answers are stored for a limited time, keys for ever: a
request under a key whose answer is gone is refused, since its effect would be a second one.
"""

import asyncio
import contextlib
import hmac
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NewType

import structlog
from fastapi import Header
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    delete,
    false,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from kit.database import Database
from kit.errors import IdempotencyKeyExpired, IdempotencyKeyReused, IdempotencyTwinRunning

Key = NewType("Key", str)

LONGEST_KEY = 200
KEY_CHARACTER = r"[\x21-\x7e]"
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=f"^{KEY_CHARACTER}+$",
        description="A retry with the same key gets the first answer and has one effect.",
    ),
]
VALID_KEY = re.compile(f"{KEY_CHARACTER}{{1,{LONGEST_KEY}}}")
REPLAYED = {"Idempotency-Replayed": "true"}
# The longest time that a request of a dead process blocks its key.
LEASE = timedelta(seconds=30)
NO_FINGERPRINT = bytes(32)

log = structlog.stdlib.get_logger()


def is_idempotency_key(sent: str) -> bool:
    """The same check as that of `IdempotencyKey`."""
    return VALID_KEY.fullmatch(sent) is not None


def idempotency_keys_table(metadata: MetaData) -> Table:
    """One row per key. `answer` is null while the first request runs and once the answer has expired.

    `location` is the answer's file.
    """
    return Table(
        "idempotency_keys",
        metadata,
        Column("scope", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", LargeBinary),
        Column("location", Text),
        Column("lease_until", DateTime(timezone=True), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("expired", Boolean, nullable=False, server_default=false()),
        PrimaryKeyConstraint("scope", "key"),
        UniqueConstraint("location"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
        CheckConstraint(
            "NOT expired OR (answer IS NULL AND location IS NULL)", name="expired_without_answer"
        ),
        Index("ix_idempotency_keys_created_at", "created_at", postgresql_where=text("NOT expired")),
    )


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A repeatable request: the key's owner (`scope`), the key if any, and the input's fingerprint."""

    scope: str
    key: str | None
    fingerprint: bytes


class Claim:
    """A claim of the running request to a key; `first_answer` is set for a retry.

    `is_first`: no earlier request with this key is known. Otherwise one has died without an answer.
    """

    def __init__(
        self,
        answers: "FirstAnswers",
        request: KeyedRequest,
        first_answer: bytes | None = None,
        *,
        is_first: bool = False,
    ) -> None:
        self._answers, self._request = answers, request
        self.first_answer, self.is_first = first_answer, is_first
        self.has_key = request.key is not None

    async def keep(
        self, answer: bytes, *, location: str | None = None, session: AsyncSession | None = None
    ) -> None:
        """Store the answer, in the transaction of its effect if a session is given.

        Raises IdempotencyTwinRunning if the lease ended and another request has stored its answer; with a
        session, this rolls the effect back.
        """
        if self._request.key is not None:
            await self._answers.keep(self._request, answer, location, session)


class FirstAnswers:
    """The first answers of one service, in a table of `idempotency_keys_table`."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database, self._table = database, table

    @contextlib.asynccontextmanager
    async def claim(self, request: KeyedRequest) -> AsyncGenerator[Claim]:
        """Claim the request's key for the block, and free it if the block raises.

        Raises IdempotencyKeyReused for other input, IdempotencyTwinRunning while the first request runs, and
        IdempotencyKeyExpired when its answer is no longer stored.
        """
        if request.key is None:
            yield Claim(self, request)
            return
        is_first = await self._begin(request)
        if is_first is None:
            yield Claim(self, request, await self._find(request))
            return
        renewal = asyncio.create_task(self._renew_forever(request))
        try:
            yield Claim(self, request, is_first=is_first)
        except BaseException:
            # Shielded, so that a cancelled request withdraws its claim, too.
            await asyncio.shield(self._withdraw(request) if is_first else self._end_lease(request))
            raise
        finally:
            renewal.cancel()

    async def keep(
        self, request: KeyedRequest, answer: bytes, location: str | None, session: AsyncSession | None
    ) -> None:
        statement = (
            update(self._table)
            .where(self._is(request), self._table.c.answer.is_(None))
            .values(answer=answer, location=location)
            .returning(self._table.c.key)
        )
        if session is not None:
            row = (await session.execute(statement)).first()
        else:
            async with self._database.autocommit() as own_session:
                row = (await own_session.execute(statement)).first()
        if row is None:
            raise IdempotencyTwinRunning

    async def expire_older(self, session: AsyncSession, age: timedelta) -> Sequence[str]:
        """Forget answers of this age, but not their keys; returns the locations of the answers' files.

        Keys of requests that died without an answer are deleted: a retry may still be served.
        """
        columns = self._table.c
        is_old = (columns.created_at < func.now() - age) & ~columns.expired
        unanswered = columns.answer.is_(None) & (columns.lease_until < func.now())
        await session.execute(delete(self._table).where(is_old, unanswered))
        is_due = is_old & columns.answer.is_not(None)
        locations = await session.scalars(
            select(columns.location).where(is_due, columns.location.is_not(None)).with_for_update()
        )
        # Without the fingerprint, too: it may be that of a password, which must not be kept for ever.
        cleared = {"answer": None, "location": None, "fingerprint": NO_FINGERPRINT}
        await session.execute(update(self._table).where(is_due).values(**cleared, expired=True))
        return [location for location in locations.all() if location is not None]

    async def delete_scopes(self, session: AsyncSession, scopes: Sequence[str]) -> Sequence[str]:
        """Returns the locations of the deleted answers' files."""
        statement = delete(self._table).where(self._table.c.scope.in_(scopes))
        locations = await session.scalars(statement.returning(self._table.c.location))
        return [location for location in locations.all() if location is not None]

    async def _begin(self, request: KeyedRequest) -> bool | None:
        """Whether the key is new; None when another request has stored its answer or may still be running."""
        columns, lease_until = self._table.c, func.now() + LEASE
        statement = (
            insert(self._table)
            .values(
                scope=request.scope,
                key=request.key,
                fingerprint=request.fingerprint,
                lease_until=lease_until,
            )
            .on_conflict_do_update(
                index_elements=[columns.scope, columns.key],
                set_={"lease_until": lease_until},
                where=columns.answer.is_(None)
                & ~columns.expired
                & (columns.lease_until < func.now())
                & (columns.fingerprint == request.fingerprint),
            )
            # A row that was inserted has no former version.
            .returning(literal_column("xmax = 0", Boolean))
        )
        async with self._database.autocommit() as session:
            return await session.scalar(statement)

    async def _find(self, request: KeyedRequest) -> bytes:
        columns = self._table.c
        statement = select(columns.fingerprint, columns.answer, columns.expired).where(self._is(request))
        async with self._database.read() as session:
            row = (await session.execute(statement)).first()
        if row is not None and row.expired:
            raise IdempotencyKeyExpired
        if row is not None and not hmac.compare_digest(row.fingerprint, request.fingerprint):
            raise IdempotencyKeyReused
        if row is None or row.answer is None:
            raise IdempotencyTwinRunning
        return row.answer

    async def _renew_forever(self, request: KeyedRequest) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await self._renew(request)
            except Exception as error:
                # The lease survives two failures; after a third a twin could claim the key.
                log.warning("lease_not_renewed", error=type(error).__name__)

    async def _renew(self, request: KeyedRequest) -> None:
        statement = update(self._table).where(self._is(request)).values(lease_until=func.now() + LEASE)
        async with self._database.autocommit() as session:
            await session.execute(statement)

    async def _withdraw(self, request: KeyedRequest) -> None:
        statement = delete(self._table).where(self._is(request), self._table.c.answer.is_(None))
        async with self._database.autocommit() as session:
            await session.execute(statement)

    async def _end_lease(self, request: KeyedRequest) -> None:
        """Free a key without forgetting that a request with it has died, maybe after its effect."""
        unanswered = self._is(request) & self._table.c.answer.is_(None)
        async with self._database.autocommit() as session:
            await session.execute(update(self._table).where(unanswered).values(lease_until=func.now()))

    def _is(self, request: KeyedRequest) -> ColumnElement[bool]:
        return (self._table.c.scope == request.scope) & (self._table.c.key == request.key)
