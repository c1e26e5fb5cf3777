"""Container: the parts of the service, built once per process and read by the endpoints' providers."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta

from kit.authentication import Authentication
from kit.database import Database
from kit.idempotency import FirstAnswers
from kit.notifications import Notifications
from ml_service.accounts.sweeper import Sweeper, SweepLimits
from ml_service.billing.charges import Charges
from ml_service.billing.holds import Holds
from ml_service.billing.port import Billing
from ml_service.billing.refunds import Refunds
from ml_service.billing.repository import RefundRepository
from ml_service.boards.service import BoardService
from ml_service.challenges.publication import Publication
from ml_service.challenges.service import ChallengeService
from ml_service.course.service import CourseTraining
from ml_service.datasets.inspection import Inspector
from ml_service.datasets.inspection_service import InspectionService
from ml_service.datasets.service import DatasetQuota, DatasetService
from ml_service.exports.endpoints import ExportRules, ExportService
from ml_service.exports.signing import derive_signing_key
from ml_service.jobs.cluster import DaskCluster
from ml_service.jobs.context import WorkerContext
from ml_service.jobs.estimates import QueueEstimates
from ml_service.jobs.notifications import JobFeed, JobNotifications
from ml_service.jobs.repository import CHANNEL as JOB_CHANGES
from ml_service.jobs.repository import is_training_on
from ml_service.jobs.rules import JobKind
from ml_service.jobs.service import JobLimits, JobService
from ml_service.jobs.settlement import HoldExtender
from ml_service.jobs.worker import Worker
from ml_service.learning import predictors
from ml_service.learning.training.memory import Room
from ml_service.models.model_cache import CHANNEL as MODEL_CHANGES
from ml_service.models.model_cache import ModelCache, ModelLookup
from ml_service.models.repository import StoredModel
from ml_service.models.service import ModelService, ReportService
from ml_service.orm import first_answers
from ml_service.predictions.batch_service import BatchFiles, BatchService
from ml_service.predictions.scoring import Scoring as PredictionScoring
from ml_service.predictions.service import PredictionFiles, PredictionService
from ml_service.settings import MlSettings
from ml_service.store.files import Files
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.ownership import StoreOwnership
from ml_service.store.process_pool import IdleProcesses, ProcessPool
from ml_service.store.quota import StorageLimits, StorageQuota
from ml_service.store.threads import StoreProbe
from ml_service.store.uploads import Uploads
from ml_service.submissions.scoring import Scoring
from ml_service.submissions.service import SubmissionService

READER_PROCESSES = 2
PREDICTION_PROCESSES = 2

Loop = Coroutine[None, None, None]


@dataclass(frozen=True)
class Resources:
    """Parts with connections, opened before all others and closed after them."""

    authentication: Authentication
    database: Database
    billing: Billing


@dataclass(frozen=True)
class Container:
    settings: MlSettings
    authentication: Authentication
    database: Database
    worker: WorkerContext
    lookup: ModelLookup
    billing: Billing
    charges: Charges
    datasets: DatasetService
    inspections: InspectionService
    jobs: JobService
    queue_estimates: QueueEstimates
    models: ModelService
    reports: ReportService
    predictions: PredictionService
    batches: BatchService
    exports: ExportService
    sweeper: Sweeper
    course: CourseTraining
    answers: FirstAnswers
    challenges: ChallengeService
    submissions: SubmissionService
    boards: BoardService
    store_probe: StoreProbe
    ownership: StoreOwnership
    storage: StorageQuota


def build(settings: MlSettings, resources: Resources) -> tuple[Container, list[Loop]]:
    """Build the container, and the loops that run in the background."""
    database, billing = resources.database, resources.billing
    readers, inspectors, scorers = _reader_pools(idle_processes := IdleProcesses())
    inspector = Inspector(files := Files(settings.store_url), settings.csv_limits, inspectors)
    worker = _worker_context(settings, database, billing, files, inspector)
    artefacts, uploads, results = worker.artefacts, worker.uploads, worker.results
    feed, refunds = JobFeed(database), Refunds(RefundRepository(database), billing)
    answers, model_cache = FirstAnswers(database, first_answers), _model_cache(settings, files, artefacts)
    lookup, notifications = _model_lookup(database, worker, feed)
    ownership = StoreOwnership(database, files)
    storage = StorageQuota(database, files, ownership, _storage_limits(settings))
    sweeper = Sweeper(database, ownership, files, model_cache.forget, _sweep_limits(settings))
    quota = DatasetQuota(storage, settings.max_datasets)
    datasets = DatasetService(database, uploads, inspector, quota, is_training_on)
    jobs = JobService(database, billing, feed, storage, _job_limits(settings, worker))
    models = ModelService(database, artefacts, lookup, model_cache)
    container = Container(
        settings=settings,
        authentication=resources.authentication,
        database=database,
        worker=worker,
        lookup=lookup,
        billing=billing,
        charges=(charges := Charges(billing, refunds)),
        datasets=datasets,
        inspections=InspectionService(database, inspector),
        jobs=jobs,
        queue_estimates=QueueEstimates(database, lambda: worker.cluster.known_slots),
        models=models,
        reports=ReportService(artefacts, readers),
        predictions=PredictionService(
            *(answers, lookup, charges, model_cache, PredictionScoring(scorers, settings.prediction_seconds)),
            files=PredictionFiles(artefacts, results, storage),
        ),
        batches=BatchService(
            *(answers, lookup, billing, Holds(billing, refunds)),
            *(BatchFiles(uploads, artefacts, results, readers, settings.csv_limits, storage), jobs, database),
            max_rows_at_once=settings.batch_rows_at_once,
        ),
        exports=ExportService(models, artefacts, results, readers, _export_rules(settings)),
        sweeper=sweeper,
        course=CourseTraining(datasets, jobs, models),
        answers=answers,
        challenges=ChallengeService(database, jobs, storage),
        submissions=SubmissionService(database, billing, jobs, artefacts),
        boards=BoardService(database, billing),
        store_probe=StoreProbe(files),
        ownership=ownership,
        storage=storage,
    )
    loops: list[Loop] = [
        ownership.run(),
        notifications.listen(database),
        feed.run(),
        refunds.run(),
        idle_processes.run(),
        *_job_loops(container),
    ]
    return container, loops


def _job_loops(container: Container) -> list[Loop]:
    """The loops of jobs, and the sweeper of what they and others leave."""
    worker, ownership = container.worker, container.ownership
    return [
        container.queue_estimates.measure_forever(),
        worker.cluster.stay_connected(),
        ownership.when_verified(Worker(worker).run()),
        HoldExtender(worker).run(),
        ownership.when_verified(container.sweeper.run(container.settings.sweep_seconds)),
    ]


def _job_limits(settings: MlSettings, worker: WorkerContext) -> JobLimits:
    def room() -> Room:
        return Room(worker.cluster.known_memory, settings.max_model_bytes)

    return JobLimits(settings.max_queued_jobs, room)


def _reader_pools(idle: IdleProcesses) -> tuple[ProcessPool, ProcessPool, ProcessPool]:
    """Pools for batches, reports and exports; for uploads; for large predictions. None waits for another."""
    sizes = (READER_PROCESSES, READER_PROCESSES, PREDICTION_PROCESSES)
    readers, inspectors, scorers = (ProcessPool(size, idle) for size in sizes)
    return readers, inspectors, scorers


def _export_rules(settings: MlSettings) -> ExportRules:
    return ExportRules(settings.max_export_bytes, derive_signing_key(settings.service_key))


def _worker_context(
    settings: MlSettings, database: Database, billing: Billing, files: Files, inspector: Inspector
) -> WorkerContext:
    return WorkerContext(
        database=database,
        billing=billing,
        cluster=DaskCluster(settings.dask_scheduler_address, settings.cluster_security),
        files=files,
        artefacts=Artefacts(files),
        uploads=Uploads(files, settings.max_csv_bytes),
        results=Results(files),
        notifications=JobNotifications(),
        limits=settings.csv_limits,
        lease_seconds=settings.lease_seconds,
        time_limit=settings.max_train_seconds,
        max_running_per_user=settings.max_running_jobs,
        max_model_bytes=settings.max_model_bytes,
        reserved_workers=settings.reserved_workers,
        kinds={JobKind.SPLIT: Publication(inspector).kind, JobKind.SCORE: Scoring().kind},
    )


def _model_lookup(
    database: Database, worker: WorkerContext, feed: JobFeed
) -> tuple[ModelLookup, Notifications]:
    """The lookup of models, and the notifications of changes that it follows, as waiting requests do."""
    lookup = ModelLookup(database, lambda: notifications.is_listening)

    def on_connect() -> None:
        lookup.clear()
        worker.notifications.wake_all()
        feed.read_all()

    def receive_job_change(job_id: str) -> None:
        worker.notifications.receive(job_id)
        feed.receive(job_id)

    receivers = {JOB_CHANGES: receive_job_change, MODEL_CHANGES: lookup.receive}
    notifications = Notifications(receivers, on_connect)
    return lookup, notifications


def _model_cache(settings: MlSettings, files: Files, artefacts: Artefacts) -> ModelCache:
    def load(model: StoredModel) -> predictors.Predictor:
        with files.on_disk(artefacts.key(model.artefact)) as folder:
            return predictors.load(folder, model.files)

    return ModelCache(load, settings.loaded_models, settings.loaded_bytes)


def _storage_limits(settings: MlSettings) -> StorageLimits:
    return StorageLimits(
        stored_bytes=settings.max_stored_bytes,
        free_bytes=settings.min_free_bytes,
        free_share=settings.min_free_percent / 100,
        retention=settings.answers_kept,
    )


def _sweep_limits(settings: MlSettings) -> SweepLimits:
    return SweepLimits(
        orphan_age=timedelta(minutes=settings.orphan_minutes),
        answers_kept=settings.answers_kept,
        orphan_share=settings.orphan_share,
    )
