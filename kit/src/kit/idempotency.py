"""Idempotency keys: the header, and first answers that are stored and replayed for retries.

A request with a key claims it, works, and stores its answer; a retry receives the stored answer. A twin that
arrives while the first request runs is refused with 409. The claim is a lease: if the process dies, the
key is free again when the lease ends.
"""

import asyncio
import contextlib
import hmac
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NewType

import structlog
from fastapi import Header
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Delete,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from kit.database import Database
from kit.errors import IdempotencyKeyReused, IdempotencyTwinRunning

Key = NewType("Key", str)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A retry with the same key gets the first answer and has one effect.",
    ),
]
REPLAYED = {"Idempotency-Replayed": "true"}
# A process that died in the middle of a request blocks its key for so long.
LEASE = timedelta(seconds=30)

log = structlog.stdlib.get_logger()


def idempotency_keys_table(metadata: MetaData) -> Table:
    """One row a key. Without an answer the first request still runs; `location` is a file beside it."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("scope", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("answer", LargeBinary),
        Column("location", Text),
        Column("lease_until", DateTime(timezone=True), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
        PrimaryKeyConstraint("scope", "key"),
        UniqueConstraint("location"),
        CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint_length"),
    )


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that may be repeated: the key's owner (`scope`), the key if any, the input's fingerprint."""

    scope: str
    key: str | None
    fingerprint: bytes


class Claim:
    """A key claimed by the running request; `first_answer` is set when it was answered before."""

    def __init__(self, answers: "FirstAnswers", request: KeyedRequest, first_answer: bytes | None) -> None:
        self._answers, self._request = answers, request
        self.first_answer = first_answer

    async def keep(
        self, answer: bytes, *, location: str | None = None, session: AsyncSession | None = None
    ) -> None:
        """Store the answer, in the transaction of its effect if a session is given.

        Raises IdempotencyTwinRunning if the lease ended and another request has answered meanwhile; with a
        session, the effect is then rolled back.
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

        Raises IdempotencyKeyReused for other input and IdempotencyTwinRunning while the first request runs.
        """
        if request.key is None:
            yield Claim(self, request, None)
            return
        if not await self._begin(request):
            yield Claim(self, request, await self._find(request))
            return
        renewing = asyncio.create_task(self._renew_forever(request))
        try:
            yield Claim(self, request, None)
        except BaseException:
            # Also when the request was cancelled: the withdrawal must not be cancelled with it.
            await asyncio.shield(self._withdraw(request))
            raise
        finally:
            renewing.cancel()

    async def keep(
        self, request: KeyedRequest, answer: bytes, location: str | None, session: AsyncSession | None
    ) -> None:
        kept = (
            update(self._table)
            .where(self._is(request), self._table.c.answer.is_(None))
            .values(answer=answer, location=location)
            .returning(self._table.c.key)
        )
        if session is not None:
            found = (await session.execute(kept)).first()
        else:
            async with self._database.autocommit() as own:
                found = (await own.execute(kept)).first()
        if found is None:
            raise IdempotencyTwinRunning

    async def delete_older(self, session: AsyncSession, age: timedelta) -> Sequence[str]:
        """Returns the locations of files that no answer needs any more."""
        old = delete(self._table).where(self._table.c.created_at < func.now() - age)
        return await self._delete(session, old)

    async def delete_scopes(self, session: AsyncSession, scopes: Sequence[str]) -> Sequence[str]:
        """Returns the locations of files that no answer needs any more."""
        return await self._delete(session, delete(self._table).where(self._table.c.scope.in_(scopes)))

    async def _delete(self, session: AsyncSession, statement: Delete) -> Sequence[str]:
        found = await session.scalars(statement.returning(self._table.c.location))
        return [location for location in found.all() if location is not None]

    async def _begin(self, request: KeyedRequest) -> bool:
        """False when the key has a row whose request was answered or may still be running."""
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
                & (columns.lease_until < func.now())
                & (columns.fingerprint == request.fingerprint),
            )
            .returning(columns.key)
        )
        async with self._database.autocommit() as session:
            return (await session.execute(statement)).first() is not None

    async def _find(self, request: KeyedRequest) -> bytes:
        chosen = select(self._table.c.fingerprint, self._table.c.answer).where(self._is(request))
        async with self._database.read() as session:
            row = (await session.execute(chosen)).first()
        if row is not None and not hmac.compare_digest(row.fingerprint, request.fingerprint):
            raise IdempotencyKeyReused
        if row is None or row.answer is None:
            raise IdempotencyTwinRunning
        return row.answer

    async def _renew_forever(self, request: KeyedRequest) -> None:
        renewed = update(self._table).where(self._is(request)).values(lease_until=func.now() + LEASE)
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                async with self._database.autocommit() as session:
                    await session.execute(renewed)
            except Exception as error:
                # The lease outlasts two such rounds; without a third a twin would do the same work.
                log.warning("lease_not_renewed", error=type(error).__name__)

    async def _withdraw(self, request: KeyedRequest) -> None:
        chosen = delete(self._table).where(self._is(request), self._table.c.answer.is_(None))
        async with self._database.autocommit() as session:
            await session.execute(chosen)

    def _is(self, request: KeyedRequest) -> ColumnElement[bool]:
        return (self._table.c.scope == request.scope) & (self._table.c.key == request.key)
