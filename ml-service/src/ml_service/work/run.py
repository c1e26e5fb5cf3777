"""What whoever carries out a job of some kind is given, and what it may come to."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from ml_service.base import Json
from ml_service.jobs.models import Job
from ml_service.work.notes import Notes
from ml_service.work.parts import Parts
from ml_service.work.rules import GiveUp, Retry


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job; its name begins with the job's id, as do those of the files it makes."""

    parts: Parts
    job: Job
    lease: UUID
    notes: Notes

    @property
    def name(self) -> str:
        return f"{self.job.id}-{self.job.attempts}-{self.lease.hex[:8]}"


# What goes into the job's `result`, why there will be none, or another time.
Outcome = Json | GiveUp | Retry
# Cancelled when its job is or when this replica stops; then it ends what it began on the cluster.
CarryOut = Callable[[Run], Awaitable[Outcome]]
