"""Idempotency keys: the header, and first answers, which are stored and replayed to retries.

A request with a key claims the key, does its work and stores its answer; a retry receives the stored answer.
A twin that arrives while the first request runs is refused with 409. A claim is a lease: if the process dies,
the key is free when the lease ends, and a process that only stood still can neither answer nor undo what the
next claim does. Answers are stored for a limited time, keys for ever: a request under a key whose answer is
gone is refused, since its effect would be a second one.
"""

import asyncio
import contextlib
import hmac
import re
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, NamedTuple, NewType, NoReturn
from uuid import uuid4

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
    Uuid,
    delete,
    false,
    func,
    literal_column,
    or_,
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
LEASE, NOW = timedelta(seconds=30), timedelta()
NO_FINGERPRINT = bytes(32)

log = structlog.stdlib.get_logger()


def is_idempotency_key(sent: str) -> bool:
    """The same check as that of `IdempotencyKey`."""
    return VALID_KEY.fullmatch(sent) is not None


def idempotency_keys_table(metadata: MetaData) -> Table:
    """One row per key. `answer` is null while the first request runs and once the answer has expired.

    `location` is the answer's file, `lease` the last claim; the previous release claims without one.
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
        Column("lease", Uuid),
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


class ExpiredKeys(NamedTuple):
    """Files of expired answers, and requests that have died without an answer, maybe after their effect."""

    locations: Sequence[str]
    unanswered: Sequence[KeyedRequest]


class Claim:
    """A claim of the running request to a key; `first_answer` is set for a retry.

    `is_first`: no earlier request with this key is known; otherwise one has died without an answer. A failed
    request frees its key; with `undo_pending` the key stays known, as after the death of the process.
    """

    def __init__(self, answers: "FirstAnswers", request: KeyedRequest, *, is_first: bool = False) -> None:
        self._answers, self.request, self.lease = answers, request, uuid4()
        self.first_answer: bytes | None = None
        self.is_first = is_first
        self.has_key = request.key is not None
        self.undo_pending = False

    async def keep(
        self, answer: bytes, *, location: str | None = None, session: AsyncSession | None = None
    ) -> None:
        """Store the answer, in the transaction of its effect if a session is given.

        A retry replaces the answer that it has received. Raises IdempotencyTwinRunning if another request has
        claimed the key since; with a session, this rolls the effect back.
        """
        if self.has_key:
            await self._answers.keep(self, answer, location, session)

    async def is_current(self, session: AsyncSession) -> bool:
        """Whether no other request has claimed the key since; none can until the transaction ends."""
        return not self.has_key or await self._answers.is_current(self, session)


class FirstAnswers:
    """The first answers of one service, in a table of `idempotency_keys_table`."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database, self._table = database, table

    @contextlib.asynccontextmanager
    async def claim(self, request: KeyedRequest) -> AsyncGenerator[Claim]:
        """Claim the request's key for the block, and free it if the block raises.

        A retry claims an answered key, too: what its answer costs is its own concern from then on. Raises
        IdempotencyKeyReused for other input, IdempotencyTwinRunning while the first request runs, and
        IdempotencyKeyExpired when its answer is no longer stored.
        """
        claim = Claim(self, request)
        if not claim.has_key:
            yield claim
            return
        if not await self._begin(claim):
            await self._refuse(request)
        if claim.first_answer is not None:
            yield claim
            return
        renewal = asyncio.create_task(self._renew_forever(claim))
        try:
            yield claim
        except BaseException:
            is_forgotten = claim.is_first and not claim.undo_pending
            # Shielded, so that a cancelled request withdraws its claim, too.
            await asyncio.shield(self._withdraw(claim) if is_forgotten else self._end_lease(claim))
            raise
        finally:
            renewal.cancel()

    async def keep(
        self, claim: Claim, answer: bytes, location: str | None, session: AsyncSession | None
    ) -> None:
        stored = {"answer": answer} | ({"location": location} if location is not None else {})
        statement = update(self._table).where(self._is_as_claimed(claim)).values(stored)
        opened = self._database.autocommit() if session is None else contextlib.nullcontext(session)
        async with opened as current:
            if (await current.execute(statement.returning(self._table.c.key))).first() is None:
                raise IdempotencyTwinRunning

    async def is_current(self, claim: Claim, session: AsyncSession) -> bool:
        # The row of a deleted user is gone, and nobody else can claim it.
        statement = select(self._table.c.lease).where(self._is(claim.request)).with_for_update(read=True)
        row = (await session.execute(statement)).first()
        return row is None or row.lease == claim.lease

    async def expire_older(self, session: AsyncSession, age: timedelta) -> ExpiredKeys:
        """Forget answers of this age, and claims without one whose lease has ended, but not their keys.

        The caller undoes the effects of what is unanswered in the same transaction.
        """
        columns = self._table.c
        is_due = (columns.created_at < func.now() - age) & ~columns.expired
        has_ended = or_(columns.answer.is_not(None), columns.lease_until < func.now())
        found = select(
            *(columns.scope, columns.key, columns.fingerprint, columns.location),
            columns.answer.is_(None).label("is_unanswered"),
        )
        due = found.where(is_due, has_ended).with_for_update(skip_locked=True).cte("due")
        # Without the fingerprint, too: it may be that of a password, which must not be kept for ever.
        cleared = {"answer": None, "location": None, "fingerprint": NO_FINGERPRINT, "lease": None}
        statement = (
            update(self._table)
            .where(columns.scope == due.c.scope, columns.key == due.c.key)
            .values(**cleared, expired=True)
            .returning(*due.c)
        )
        rows = (await session.execute(statement)).all()
        return ExpiredKeys(
            [row.location for row in rows if row.location is not None],
            [KeyedRequest(row.scope, row.key, row.fingerprint) for row in rows if row.is_unanswered],
        )

    async def delete_scopes(self, session: AsyncSession, scopes: Sequence[str]) -> Sequence[str]:
        """Returns the locations of the deleted answers' files."""
        statement = delete(self._table).where(self._table.c.scope.in_(scopes))
        locations = await session.scalars(statement.returning(self._table.c.location))
        return [location for location in locations.all() if location is not None]

    async def _begin(self, claim: Claim) -> bool:
        """Whether the key is claimed: it is new, its first request has died, or its answer is stored."""
        columns, request = self._table.c, claim.request
        lease = {"lease": claim.lease, "lease_until": func.now() + LEASE}
        statement = (
            insert(self._table)
            .values(scope=request.scope, key=request.key, fingerprint=request.fingerprint, **lease)
            .on_conflict_do_update(
                index_elements=[columns.scope, columns.key],
                set_=lease,
                where=or_(columns.answer.is_not(None), columns.lease_until < func.now())
                & ~columns.expired
                & (columns.fingerprint == request.fingerprint),
            )
            # A row that was inserted has no former version.
            .returning(columns.answer, literal_column("xmax = 0", Boolean).label("is_first"))
        )
        async with self._database.autocommit() as session:
            row = (await session.execute(statement)).first()
        if row is not None:
            claim.first_answer, claim.is_first = row.answer, row.is_first
        return row is not None

    async def _refuse(self, request: KeyedRequest) -> NoReturn:
        columns = self._table.c
        statement = select(columns.fingerprint, columns.expired).where(self._is(request))
        async with self._database.read() as session:
            row = (await session.execute(statement)).first()
        if row is not None and row.expired:
            raise IdempotencyKeyExpired
        if row is not None and not hmac.compare_digest(row.fingerprint, request.fingerprint):
            raise IdempotencyKeyReused
        raise IdempotencyTwinRunning

    async def _renew_forever(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                await self._end_lease(claim, LEASE)
            except Exception as error:
                # The lease survives two failures; after a third a twin could claim the key.
                log.warning("lease_not_renewed", error=type(error).__name__)

    async def _withdraw(self, claim: Claim) -> None:
        async with self._database.autocommit() as session:
            await session.execute(delete(self._table).where(self._is_as_claimed(claim)))

    async def _end_lease(self, claim: Claim, left: timedelta = NOW) -> None:
        """Let the lease end so long from now; its key is free then, but not forgotten."""
        statement = update(self._table).where(self._is_as_claimed(claim))
        async with self._database.autocommit() as session:
            await session.execute(statement.values(lease_until=func.now() + left))

    def _is_as_claimed(self, claim: Claim) -> ColumnElement[bool]:
        """The key's row, unless another request has claimed it since; with an answer only for a retry."""
        columns = self._table.c
        is_as_found = columns.answer.is_(None) == (claim.first_answer is None)
        return self._is(claim.request) & (columns.lease == claim.lease) & is_as_found

    def _is(self, request: KeyedRequest) -> ColumnElement[bool]:
        return (self._table.c.scope == request.scope) & (self._table.c.key == request.key)
