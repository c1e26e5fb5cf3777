"""Sweeper: delete the data of deleted users, expired answers, and files without a row."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge

from kit.background import every
from kit.database import Database
from kit.idempotency import FirstAnswers
from ml_service.accounts.repository import AccountRepository, NeededFiles
from ml_service.accounts.rules import Stored, is_suspicious, job_of, orphans_of
from ml_service.billing.charges import refunds_of
from ml_service.billing.repository import insert_refunds
from ml_service.orm import first_answers
from ml_service.store.files import Files
from ml_service.store.outputs import ARTEFACTS, RESULTS, SEALED, STAGING
from ml_service.store.ownership import StoreOwnership
from ml_service.store.repository import StoreRepository
from ml_service.store.threads import discard, run_in_thread
from ml_service.store.uploads import FOLDER as UPLOADS

# A bucket lists a thousand files in a tenth of a second.
LISTING_SECONDS = 600.0
# Files that are deleted under one lock, while uploads wait for it.
PORTION = 50
UNSWEPT = Gauge(
    "farebox_unswept_files", "Files without a row that are too many to be deleted unasked", ["folder"]
)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """Minimum age of an orphaned file, retention of answers and results, and the largest share of orphans."""

    orphan_age: timedelta
    answers_kept: timedelta
    orphan_share: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The number of files in a folder, those that no row names, and those that rows name but are missing."""

    stored: int
    orphans: Sequence[str]
    missing: Sequence[str]


class Sweeper:
    def __init__(
        self,
        database: Database,
        ownership: StoreOwnership,
        files: Files,
        forget_model: Callable[[int], None],
        limits: SweepLimits,
    ) -> None:
        """`forget_model` evicts a deleted model from the cache."""
        self._database, self._ownership, self._files = database, ownership, files
        self._forget_model, self._limits = forget_model, limits
        self._answers = FirstAnswers(database, first_answers)
        self._wake = asyncio.Event()

    async def wake(self) -> None:
        """Start the next round now."""
        self._wake.set()

    async def run(self, seconds: float) -> None:
        """Sweep at this interval until cancelled; the round after a failure finds the same files."""
        await every(seconds, self.sweep, failure="not_swept", wake=self._wake)

    async def sweep(self) -> None:
        # Verified in every round: the store may have been replaced since the last one.
        await self._ownership.verify()
        async with self._database.transaction() as session:
            deleted = await AccountRepository(session).delete_rows_of_deleted_users()
            expired = await self._answers.expire_older(session, self._limits.answers_kept)
            await insert_refunds(session, refunds_of(expired.unanswered))
        for model_id in deleted.models:
            self._forget_model(model_id)
        await self._delete([*deleted.files, *expired.locations])
        await self._sweep_results()
        await self._sweep_guarded(UPLOADS)
        await self._sweep_guarded(ARTEFACTS)
        await self._sweep_guarded(SEALED)
        await self._sweep_staging()

    async def _sweep_results(self) -> None:
        stored = await self._list(RESULTS)
        async with self._database.read() as session:
            needed = NeededFiles(session)
            live = await needed.live_jobs()
            results = await needed.results(self._limits.answers_kept)
        await self._delete(orphans_of(stored, results, live, self._oldest()))

    async def _sweep_guarded(self, folder: str) -> None:
        """Delete uploads or artefacts without a row; so many that a database must be wrong are left."""
        stored, orphans = await self._find_orphans(folder)
        refused = is_suspicious(len(orphans), len(stored), self._limits.orphan_share)
        UNSWEPT.labels(folder).set(len(orphans) if refused else 0)
        if refused:
            log.error("sweep_refused", folder=folder, orphans=len(orphans), files=len(stored))
            return
        for start in range(0, len(orphans), PORTION):
            await self._delete_orphans(folder, orphans[start : start + PORTION])

    async def _delete_orphans(self, folder: str, orphans: Sequence[str]) -> None:
        """Delete those that still have no row; a request that stood still may be about to add one."""
        async with self._database.transaction() as session:
            await StoreRepository(session).lock_uploads()
            named = await self._named(NeededFiles(session), folder)
            await self._delete(key for key in orphans if key not in named)

    async def compare(self, folder: str) -> Comparison:
        """Compare uploads or artefacts with the rows; nothing is deleted."""
        stored, orphans = await self._find_orphans(folder)
        async with self._database.read() as session:
            required = await NeededFiles(session).required(folder)
        absent = sorted(required - {key for key, _ in stored})
        # A file may have been stored after the listing.
        missing = await run_in_thread(self._filter_missing, absent, seconds=LISTING_SECONDS)
        return Comparison(len(stored), orphans, missing)

    async def _find_orphans(self, folder: str) -> tuple[Stored, list[str]]:
        # List the files before the rows, so that a row committed in between counts.
        stored = await self._list(folder)
        async with self._database.read() as session:
            needed = NeededFiles(session)
            # Read the jobs first: a job that ends in between has published its model by then.
            live = await needed.live_jobs()
            names = await self._named(needed, folder)
        return stored, orphans_of(stored, names, live, self._oldest())

    async def _named(self, needed: NeededFiles, folder: str) -> set[str]:
        if folder == SEALED:
            return await needed.sealed()
        return await (needed.uploads() if folder == UPLOADS else needed.artefacts())

    def _filter_missing(self, keys: Iterable[str]) -> list[str]:
        return [key for key in keys if not self._files.exists(key)]

    async def _sweep_staging(self) -> None:
        """Delete what ended jobs have left at once; it may be large, and its jobs are known."""
        stored = await self._list(STAGING)
        async with self._database.read() as session:
            needed = NeededFiles(session)
            live = await needed.live_jobs()
            named = {job for key, _ in stored if (job := job_of(key)) is not None}
            ended = await needed.ended_jobs(named)
        left = [key for key, _ in stored if job_of(key) in ended]
        await self._delete({*left, *orphans_of(stored, (), live, self._oldest())})

    async def _list(self, folder: str) -> Stored:
        return await run_in_thread(lambda: list(self._files.list_folder(folder)), seconds=LISTING_SECONDS)

    def _oldest(self) -> datetime:
        return datetime.now(UTC) - self._limits.orphan_age

    async def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            # One file that cannot be deleted must not keep all others.
            if await discard(self._files, key):
                log.info("orphan_removed", key=key)
