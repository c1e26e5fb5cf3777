"""Job that publishes a challenge: split the owner's dataset, inspect the rows to train on anew, commit."""

import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from kit.errors import ServiceError
from kit.identity import UserId
from ml_service.challenge_orm import Challenge, ChallengePart, ChallengeRevision
from ml_service.challenges.repository import ChallengeRepository
from ml_service.challenges.rules import commit_to
from ml_service.datasets.inspection import Inspection, Inspector, StoredFile
from ml_service.datasets.repository import DatasetRepository
from ml_service.jobs.cluster import ClusterTask, run_task
from ml_service.jobs.context import JobContext, KindOfJob, Outcome
from ml_service.jobs.rules import GiveUp, JobKind, Retry, retry_or_give_up
from ml_service.learning.challenges.errors import SplitFailed
from ml_service.learning.challenges.metric_rules import metric_named
from ml_service.learning.challenges.splitting import HoldoutSpec
from ml_service.learning.challenges.tasks import split_on_worker
from ml_service.learning.tables import CSV_ERRORS, ColumnReading, Reading, TableProfile
from ml_service.learning.tables.settings import CellType
from ml_service.learning.tasks import TableFile
from ml_service.orm import Dataset, Job
from ml_service.store.outputs import SEALED
from ml_service.store.uploads import FOLDER as UPLOADS

SALT_BYTES, SEED_BITS = 32, 32
CHALLENGE_GONE = GiveUp("challenge_gone", "The challenge or its dataset was deleted; create another one.")
FAILED = GiveUp(SplitFailed.code, SplitFailed().detail)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Publication:
    """`inspector` reads the rows to train on as it does an upload."""

    inspector: Inspector

    @property
    def kind(self) -> KindOfJob:
        return KindOfJob(self.handle, self.succeed, self.fail)

    async def handle(self, context: JobContext) -> Outcome:
        """Split on a worker; the result has the digests of hidden rows and the inspection of the others."""
        worker, job = context.worker, context.job
        async with worker.database.read() as session:
            challenge = await ChallengeRepository(session).find(job.challenge_id)
            user_id = UserId(job.user_id)
            source = await DatasetRepository(session).find(user_id, job.dataset_id or 0)
        if challenge is None or source is None:
            return CHALLENGE_GONE
        keys = {
            "train": f"{UPLOADS}/{context.name}-train",
            "public": f"{SEALED}/{context.name}-public",
            "private": f"{SEALED}/{context.name}-private",
        }
        table = TableFile(worker.files.url, source.location, worker.limits, source.sha256)
        given = TableProfile.from_json(source.profile).given
        task = ClusterTask(
            key=context.name,
            function=split_on_worker,
            arguments=(table, given.to_json(), _spec_of(challenge), keys),
            attempts=job.attempts,
            time_limit=worker.time_limit,
            kind=JobKind.SPLIT,
        )
        outcome = await run_task(worker.cluster, task, context.progress.report_stage)
        if isinstance(outcome, GiveUp | Retry):
            return outcome
        return await self._inspect(context, outcome)

    async def _inspect(self, context: JobContext, outcome: Json) -> Outcome:
        train, user_id = outcome["parts"]["train"], UserId(context.job.user_id)
        file = StoredFile(
            train["location"], train["size_bytes"], bytes.fromhex(train["sha256"]), verified=True
        )
        try:
            inspection = await self.inspector.inspect(user_id, file, _reading_of(outcome["kinds"]))
        except CSV_ERRORS:
            return FAILED
        except ServiceError:
            # The processes that read files are busy, or died.
            return retry_or_give_up(JobKind.SPLIT, context.job.attempts, "the reader was interrupted")
        return {"parts": outcome["parts"], "dataset": _inspection_to_json(inspection)}

    async def succeed(self, session: AsyncSession, job: Job) -> None:
        """Publish: the dataset, the parts and the commitment appear at once."""
        repository, result = ChallengeRepository(session), job.result or {}
        challenge = await repository.get_locked(job.challenge_id)
        if challenge is None or challenge.published_at is not None:
            return
        parts, now = result["parts"], await repository.now()
        for name, part in parts.items():
            session.add(_part_of(challenge.id, 1, name, part))
        session.add(ChallengeRevision(challenge_id=challenge.id, revision=1, metric=challenge.metric))
        train = parts["train"]
        session.add(
            Dataset(
                challenge_id=challenge.id,
                name=f"{challenge.title}.parquet",
                location=train["location"],
                sha256=bytes.fromhex(train["sha256"]),
                size_bytes=train["size_bytes"],
                **result["dataset"],
            )
        )
        salt = secrets.token_bytes(SALT_BYTES)
        hidden = (bytes.fromhex(parts[name]["sha256"]) for name in ("public", "private"))
        challenge.salt, challenge.commitment = salt, commit_to(salt, *hidden)
        challenge.published_at = now
        await session.flush()
        log.info("challenge_published", challenge=challenge.id)

    async def fail(self, session: AsyncSession, job: Job) -> None:
        """The challenge stays a draft; the sweeper deletes the files."""


def _part_of(challenge_id: int, revision: int, name: str, part: Json) -> ChallengePart:
    return ChallengePart(
        challenge_id=challenge_id,
        revision=revision,
        part=name,
        location=part["location"],
        sha256=bytes.fromhex(part["sha256"]),
        rows=part["rows"],
        baseline=part["baseline"],
    )


def _spec_of(challenge: Challenge) -> HoldoutSpec:
    """With a random seed: the rows that are hidden follow from nothing that members know."""
    return HoldoutSpec(
        challenge.label,
        metric_named(challenge.metric),
        challenge.split.get("column"),
        challenge.split.get("holdout_share") or 0.0,
        challenge.split.get("public_share") or 0.0,
        secrets.randbits(SEED_BITS),
    )


def _reading_of(kinds: Json) -> Reading:
    """The types that the owner's reading gives the columns."""
    types: dict[str, CellType] = {name: kind for name, kind in kinds.items() if kind != "empty"}
    return Reading(columns={name: ColumnReading(type=kind) for name, kind in types.items()})


def _inspection_to_json(inspection: Inspection) -> Json:
    return {
        "row_count": inspection.rows,
        "column_count": inspection.columns,
        "profile": inspection.profile,
        "preview": inspection.preview,
        "details": inspection.details,
        "copy_bytes": inspection.copy_bytes,
    }
