"""Carrying out a training: one fit on the cluster, and its artefact at its place."""

import structlog

from ml_service.base import Json
from ml_service.datasets.repository import DatasetRepository
from ml_service.learning.tasks import TableFile, train_on_worker
from ml_service.work.errands import Errand, Hear, run_errand
from ml_service.work.rules import GiveUp, Retry
from ml_service.work.run import Outcome, Run

DATASET_GONE = GiveUp("dataset_gone", "The dataset was deleted before the training began; upload it again.")

log = structlog.stdlib.get_logger()


async def carry_out_training(run: Run) -> Outcome:
    table = await find_table(run)
    if table is None:
        return DATASET_GONE
    log.info("training_started", model=run.job.model_name, action="train", attempt=run.job.attempts)
    return await train(run, run.name, table, run.job.spec, run.notes.stage)


async def find_table(run: Run) -> TableFile | None:
    if run.job.dataset_id is None:
        return None
    async with run.parts.database.read() as session:
        location = await DatasetRepository(session).find_location(run.job.dataset_id)
    return TableFile(run.parts.files.url, location, run.parts.limits) if location is not None else None


async def train(run: Run, artefact: str, table: TableFile, spec: Json, hear: Hear) -> Outcome:
    """The job's result: where the model is and what it is like."""
    parts = run.parts
    errand = Errand(
        key=artefact,
        task=train_on_worker,
        arguments=(table, spec, parts.artefacts.aside(artefact)),
        attempts=run.job.attempts,
        time_limit=parts.time_limit,
    )
    described = await run_errand(parts.cluster, errand, hear)
    if isinstance(described, GiveUp | Retry):
        return described
    size = await parts.artefacts.place(artefact)
    files = described.pop("files")
    return {"artefact": artefact, "size_bytes": size, "files": files, "description": described}
