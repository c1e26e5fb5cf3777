"""Sweeper: delete the data of deleted users, expired answers, and files without a row."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from kit.background import every
from kit.database import Database
from kit.idempotency import FirstAnswers
from ml_service.accounts.repository import AccountRepository, NeededFiles
from ml_service.orm import first_answers
from ml_service.store.files import Files
from ml_service.store.outputs import ARTEFACTS, RESULTS, STAGING
from ml_service.store.uploads import FOLDER as UPLOADS

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Ages:
    """Minimum age of an orphaned file, and retention of answers and results."""

    orphan: timedelta
    answers: timedelta


class Sweeper:
    def __init__(
        self, database: Database, files: Files, forget_model: Callable[[int], None], ages: Ages
    ) -> None:
        """`forget_model` evicts a deleted model from the cache."""
        self._database, self._files = database, files
        self._forget_model, self._ages = forget_model, ages
        self._answers = FirstAnswers(database, first_answers)
        self._wake = asyncio.Event()

    async def wake(self) -> None:
        """Start the next round now."""
        self._wake.set()

    async def run(self, seconds: float) -> None:
        """Sweep at this interval until cancelled; the round after a failure finds the same files."""
        await every(seconds, self.sweep, failure="not_swept", wake=self._wake)

    async def sweep(self) -> None:
        async with self._database.transaction() as session:
            deleted = await AccountRepository(session).delete_rows_of_deleted_users()
            expired = await self._answers.expire_older(session, self._ages.answers)
        for model_id in deleted.models:
            self._forget_model(model_id)
        await self._delete([*deleted.files, *expired])
        await self._sweep_files()
        await self._sweep_artefacts()

    async def _sweep_files(self) -> None:
        # List the files before the rows, so that a row committed in between counts.
        files = await asyncio.to_thread(self._list_files)
        async with self._database.read() as session:
            needed_files = NeededFiles(session)
            live = await needed_files.live_jobs()
            needed = await needed_files.uploads() | await needed_files.results(self._ages.answers)
        oldest = datetime.now(UTC) - self._ages.orphan
        orphans = (key for key, changed in files if key not in needed and changed < oldest)
        await self._delete(key for key in orphans if not _belongs_to(live, key.rpartition("/")[2]))

    async def _sweep_artefacts(self) -> None:
        """Delete artefacts without a model, except those of live jobs, which may become models."""
        stored = await asyncio.to_thread(self._list_artefacts)
        async with self._database.read() as session:
            needed = NeededFiles(session)
            # Read the jobs first: a job that ends in between has published its model by then.
            live, artefacts = await needed.live_jobs(), await needed.artefacts()
        for folder, name in stored:
            if name not in artefacts and not _belongs_to(live, name):
                await self._delete([f"{folder}/{name}"])

    def _list_files(self) -> list[tuple[str, datetime]]:
        return [*self._files.list_folder(UPLOADS), *self._files.list_folder(RESULTS)]

    def _list_artefacts(self) -> list[tuple[str, str]]:
        return [
            (folder, key.rpartition("/")[2])
            for folder in (STAGING, ARTEFACTS)
            for key, _ in self._files.list_folder(folder)
        ]

    async def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            await asyncio.to_thread(self._files.delete, key)
            log.info("orphan_removed", key=key)


def _belongs_to(jobs: set[int], name: str) -> bool:
    """True for a file of these jobs: its name begins with the job's id."""
    job_id = name.partition("-")[0]
    return job_id.isdecimal() and int(job_id) in jobs
