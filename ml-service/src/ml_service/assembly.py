"""The parts of ml-service, put together."""

from collections.abc import Coroutine
from datetime import timedelta

from kit.database import Database
from ml_service.accounts.service import AccountService
from ml_service.accounts.sweeper import Ages, Sweeper
from ml_service.batches.orders import BatchOrders
from ml_service.batches.service import BatchService
from ml_service.batches.service import Parts as BatchParts
from ml_service.billing.metadata import MetadataMeter
from ml_service.billing.port import Billing
from ml_service.course.service import CourseTraining
from ml_service.datasets.insight_service import DatasetInsight
from ml_service.datasets.inspection import Inspector
from ml_service.datasets.service import DatasetService, Quota
from ml_service.dependencies import Services
from ml_service.exports.service import ExportService
from ml_service.jobs.cluster import DaskCluster
from ml_service.jobs.context import WorkerContext
from ml_service.jobs.estimates import QueueEstimates
from ml_service.jobs.notifications import JobNotifications
from ml_service.jobs.service import JobService
from ml_service.jobs.settlement import HoldExtender
from ml_service.jobs.worker import Worker
from ml_service.learning import predictors
from ml_service.models.lookup_repository import ModelLookup
from ml_service.models.report_service import ReportService
from ml_service.models.repository import StoredModel
from ml_service.models.service import ModelService
from ml_service.predictions.once import AnswersOnce
from ml_service.predictions.registry import Bounds, ModelRegistry
from ml_service.predictions.service import PredictionService
from ml_service.settings import MlSettings
from ml_service.store.artefacts import Artefacts
from ml_service.store.files import Files
from ml_service.store.process_pool import ProcessPool
from ml_service.store.results import Results
from ml_service.store.uploads import Uploads

READERS = 2

Loop = Coroutine[None, None, None]


def assemble(
    settings: MlSettings, database: Database, lookup: ModelLookup, billing: Billing
) -> tuple[Services, list[Loop]]:
    """What endpoints are given, and what runs beside them."""
    files = Files(settings.store_url)
    artefacts, notifications = Artefacts(files), JobNotifications()
    registry = _make_registry(settings, files, artefacts)
    inspector = Inspector(files, settings.csv_limits)
    sweeper = _make_sweeper(settings, database, files, registry)
    uploads, answers = Uploads(files, settings.max_csv_bytes), AnswersOnce(database, billing)
    results, readers = Results(files), ProcessPool(READERS)
    worker = WorkerContext(
        database=database,
        billing=billing,
        cluster=DaskCluster(settings.dask_scheduler_address),
        files=files,
        artefacts=artefacts,
        uploads=uploads,
        results=results,
        notifications=notifications,
        limits=settings.csv_limits,
        lease_seconds=settings.lease_seconds,
        time_limit=settings.max_train_seconds,
        max_running_per_user=settings.max_running_jobs,
    )

    def slots() -> int:
        return worker.cluster.known_slots

    quota = Quota(settings.max_datasets, settings.max_datasets_bytes)
    datasets = DatasetService(database, uploads, inspector, quota)
    jobs, models = JobService(database, billing, notifications), ModelService(database, artefacts, registry)
    queue_estimates = QueueEstimates(database, slots)
    services = Services(
        settings=settings,
        datasets=datasets,
        insight=DatasetInsight(database, inspector),
        jobs=jobs,
        queue_estimates=queue_estimates,
        models=models,
        predictions=PredictionService(answers, lookup, billing, registry),
        reports=ReportService(models, files, artefacts, readers),
        exports=ExportService(models, artefacts, results, readers),
        batches=_make_batches(worker, lookup, readers, jobs, settings.batch_rows_at_once),
        accounts=AccountService(database, sweeper),
        metadata=MetadataMeter(billing),
        course=CourseTraining(datasets, jobs, models),
    )
    loops: list[Loop] = [
        queue_estimates.measure_forever(),
        notifications.listen(database),
        worker.cluster.stay_connected(),
        Worker(worker).run(),
        HoldExtender(worker).run(),
        sweeper.run(settings.sweep_seconds),
    ]
    return services, loops


def _make_registry(settings: MlSettings, files: Files, artefacts: Artefacts) -> ModelRegistry:
    def load(model: StoredModel) -> predictors.Predictor:
        with files.on_disk(artefacts.key(model.artefact)) as folder:
            return predictors.load(folder, model.files)

    return ModelRegistry(load, Bounds(settings.loaded_models, settings.loaded_bytes))


def _make_batches(
    parts: WorkerContext, lookup: ModelLookup, readers: ProcessPool, jobs: JobService, rows_at_once: int
) -> BatchService:
    return BatchService(
        BatchParts(
            answers=AnswersOnce(parts.database, parts.billing),
            lookup=lookup,
            billing=parts.billing,
            uploads=parts.uploads,
            artefacts=parts.artefacts,
            results=parts.results,
            readers=readers,
            limits=parts.limits,
            orders=BatchOrders(parts.database, parts.billing),
            jobs=jobs,
            rows_at_once=rows_at_once,
        )
    )


def _make_sweeper(settings: MlSettings, database: Database, files: Files, registry: ModelRegistry) -> Sweeper:
    ages = Ages(
        orphan=timedelta(minutes=settings.orphan_minutes),
        answers=timedelta(hours=settings.answers_kept_hours),
    )
    return Sweeper(database, files, registry.forget, ages)
