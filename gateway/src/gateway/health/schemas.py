"""The system's health on the wire."""

from collections.abc import Sequence

from pydantic import BaseModel

from gateway.aggregate.health import Part
from gateway.health.rules import Load


class PartView(BaseModel):
    """A service: whether it can do its work, how long its answer took, and what is wrong if anything is."""

    name: str
    ready: bool
    milliseconds: float
    detail: str | None

    @classmethod
    def of(cls, part: Part) -> "PartView":
        return cls(name=part.name, ready=part.ready, milliseconds=part.milliseconds, detail=part.detail)


class HealthView(BaseModel):
    """The services behind the gateway, everybody's jobs that wait and run, and the workers for them.

    A number is null when nobody can tell.
    """

    parts: list[PartView]
    jobs_queued: int | None
    jobs_running: int | None
    workers: int | None

    @classmethod
    def of(cls, parts: Sequence[Part], load: Load) -> "HealthView":
        return cls(
            parts=[PartView.of(each) for each in parts],
            jobs_queued=load.queued,
            jobs_running=load.running,
            workers=load.workers,
        )
