"""Who carries out which kind of job: another kind is another line."""

from collections.abc import Mapping

from ml_service.jobs.models import Job
from ml_service.jobs.rules import JobKind
from ml_service.learning.comparison import AUTO
from ml_service.work.batches import carry_out_batch
from ml_service.work.comparisons import carry_out_comparison
from ml_service.work.run import CarryOut
from ml_service.work.trainings import carry_out_training

KINDS: Mapping[str, CarryOut] = {
    JobKind.TRAIN: carry_out_training,
    JobKind.BATCH: carry_out_batch,
}


def find_carrier(job: Job) -> CarryOut:
    return carry_out_comparison if job.model_type == AUTO else KINDS[job.kind]
