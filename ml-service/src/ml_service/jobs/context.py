"""How a job is getting on, written into its row and its history while it is carried out."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from kit.outages import describe_outage
from ml_service.base import Json
from ml_service.jobs.repository import HappenedEvent
from ml_service.work.parts import Parts
from ml_service.work.rules import PERCENT_AT

CATCH_UP_SECONDS = 5.0

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Note:
    kind: str
    percent: int | None
    stage: str | None = None
    data: Json = field(default_factory=dict[str, object])


class Notes:
    def __init__(self) -> None:
        self._notes: asyncio.Queue[Note] = asyncio.Queue()

    def stage(self, stage: str, percent: int | None = None) -> None:
        """A new stage, as far as such stages usually are unless it is said how far."""
        self._notes.put_nowait(Note("stage", PERCENT_AT.get(stage) if percent is None else percent, stage))

    def event(self, kind: str, percent: int, data: Json) -> None:
        self._notes.put_nowait(Note(kind, percent, data=data))

    async def follow(self, parts: Parts, job_id: int, lease: UUID) -> None:
        """Write down whatever is told; raises LeaseLost."""
        while True:
            note = await self._notes.get()
            try:
                await _write(parts, job_id, lease, note)
            except Exception as error:
                if describe_outage(error) is None:
                    raise
                log.warning("progress_not_noted", error=type(error).__name__)
            finally:
                self._notes.task_done()

    async def written(self) -> None:
        """When all that was told is written down, or after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self._notes.join()


async def _write(parts: Parts, job_id: int, lease: UUID, note: Note) -> None:
    async with parts.leases() as leases:
        job = await leases.get_mine(job_id, lease)
        job.stage = note.stage or job.stage
        job.percent = job.percent if note.percent is None else note.percent
        told = {**({"stage": note.stage} if note.stage else {}), "percent": job.percent, **note.data}
        await leases.record(job, HappenedEvent(note.kind, told))
