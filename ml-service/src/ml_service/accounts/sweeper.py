"""Removes what nobody needs any more, whatever died before it could do so itself."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from kit.background import wait_for_event
from kit.database import Database
from ml_service.accounts.repository import AccountRepository
from ml_service.predictions.registry import ModelRegistry
from ml_service.predictions.repository import AnswerRepository
from ml_service.store.artefacts import ASIDE, FOLDER
from ml_service.store.files import Files
from ml_service.store.repository import NeededRepository
from ml_service.store.results import FOLDER as RESULTS
from ml_service.store.uploads import FOLDER as UPLOADS

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Ages:
    """How old an unknown file must be to count as orphaned, and how long answers and results are kept."""

    orphan: timedelta
    answers: timedelta


class Sweeper:
    def __init__(self, database: Database, files: Files, registry: ModelRegistry, ages: Ages) -> None:
        self._database, self._files = database, files
        self._registry, self._ages = registry, ages
        self._wanted = asyncio.Event()

    def nudge(self) -> None:
        """There is something to remove: do it now rather than at the next round."""
        self._wanted.set()

    async def follow(self, every: float) -> None:
        while True:
            try:
                await self.sweep()
            except Exception as error:
                # Whatever is in the way now, the next round finds the same orphans.
                log.warning("not_swept", error=type(error).__name__)
            await wait_for_event(self._wanted, every)

    async def sweep(self) -> None:
        async with self._database.transaction() as session:
            erased = await AccountRepository(session).erase_departed()
            outdated = await AnswerRepository(session).delete_older(self._ages.answers)
        for model_id in erased.models:
            self._registry.forget(model_id)
        await self._delete([*erased.files, *outdated])
        await self._sweep_files()
        await self._sweep_artefacts()

    async def _sweep_files(self) -> None:
        # Listed before the rows are read: what is committed in between is then known.
        found = await asyncio.to_thread(self._list_files)
        async with self._database.read() as session:
            known = NeededRepository(session)
            live = await known.live_jobs()
            needed = await known.uploads() | await known.results(self._ages.answers)
        oldest = datetime.now(UTC) - self._ages.orphan
        orphans = (key for key, changed in found if key not in needed and changed < oldest)
        await self._delete(key for key in orphans if not _is_of_one(live, key.rpartition("/")[2]))

    async def _sweep_artefacts(self) -> None:
        """Needed are those of models and of jobs that may become models, whose ids their names begin with."""
        found = await asyncio.to_thread(self._list_artefacts)
        async with self._database.read() as session:
            needed = NeededRepository(session)
            # Jobs first: one that ends in between has made its model visible by the time we ask for models.
            live, artefacts = await needed.live_jobs(), await needed.artefacts()
        for folder, name in found:
            if name not in artefacts and not _is_of_one(live, name):
                await self._delete([f"{folder}/{name}"])

    def _list_files(self) -> list[tuple[str, datetime]]:
        return [*self._files.list_folder(UPLOADS), *self._files.list_folder(RESULTS)]

    def _list_artefacts(self) -> list[tuple[str, str]]:
        return [
            (folder, key.rpartition("/")[2])
            for folder in (ASIDE, FOLDER)
            for key, _ in self._files.list_folder(folder)
        ]

    async def _delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            await asyncio.to_thread(self._files.delete, key)
            log.info("orphan_removed", key=key)


def _is_of_one(jobs: set[int], name: str) -> bool:
    """What a job makes has a name that begins with its id."""
    job_id = name.partition("-")[0]
    return job_id.isdecimal() and int(job_id) in jobs
