"""Container: every part of the service, built once a process; the endpoints' providers read it."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta

from kit.authentication import Authentication
from kit.database import Database
from kit.idempotency import FirstAnswers
from ml_service.accounts.service import AccountService
from ml_service.base import first_answers
from ml_service.batches.jobs import BatchJobs
from ml_service.batches.service import BatchFiles, BatchService
from ml_service.billing.port import Billing
from ml_service.course.service import CourseTraining
from ml_service.datasets.inspection import Inspector
from ml_service.datasets.service import DatasetService, InspectionService, Quota
from ml_service.exports.service import ExportService
from ml_service.jobs.gauges import measure_forever
from ml_service.jobs.news import JobNews
from ml_service.jobs.queue import Queue
from ml_service.jobs.repository import is_training_on
from ml_service.jobs.service import JobService
from ml_service.learning import predictors
from ml_service.models.model_cache import ModelCache
from ml_service.models.repository import ModelLookup, StoredModel
from ml_service.models.service import ModelService, ReportService
from ml_service.predictions.service import PredictionService
from ml_service.settings import MlSettings
from ml_service.store.artefacts import Artefacts
from ml_service.store.files import Files
from ml_service.store.readers import Readers
from ml_service.store.results import Results
from ml_service.store.sweeper import Ages, Sweeper
from ml_service.store.uploads import Uploads
from ml_service.work.cluster import DaskCluster
from ml_service.work.holds import HoldKeeper
from ml_service.work.parts import Parts
from ml_service.work.runner import Runner

READER_PROCESSES = 2

Loop = Coroutine[None, None, None]


@dataclass(frozen=True)
class Resources:
    """Parts with connections: opened before the others, closed after them."""

    authentication: Authentication
    database: Database
    lookup: ModelLookup
    billing: Billing


@dataclass(frozen=True)
class Container:
    settings: MlSettings
    authentication: Authentication
    database: Database
    billing: Billing
    datasets: DatasetService
    inspections: InspectionService
    jobs: JobService
    queue_estimates: Queue
    models: ModelService
    reports: ReportService
    predictions: PredictionService
    batches: BatchService
    exports: ExportService
    accounts: AccountService
    course: CourseTraining


def build(settings: MlSettings, resources: Resources) -> tuple[Container, list[Loop]]:
    """The container, and the loops that run beside the requests."""
    database, billing, lookup = resources.database, resources.billing, resources.lookup
    worker = _worker_parts(settings, database, billing)
    files, artefacts, uploads, results = worker.files, worker.artefacts, worker.uploads, worker.results
    readers, inspector = Readers(READER_PROCESSES), Inspector(files, settings.csv_limits)
    answers, model_cache = FirstAnswers(database, first_answers), _model_cache(settings, files, artefacts)
    sweeper = _sweeper(settings, database, files, model_cache)
    quota = Quota(settings.max_datasets, settings.max_datasets_bytes)
    datasets = DatasetService(database, uploads, inspector, quota, is_training_on)
    jobs, models = JobService(database, billing, worker.news), ModelService(database, artefacts, model_cache)

    def slots() -> int:
        return worker.cluster.known_slots

    container = Container(
        settings=settings,
        authentication=resources.authentication,
        database=database,
        billing=billing,
        datasets=datasets,
        inspections=InspectionService(database, inspector),
        jobs=jobs,
        queue_estimates=Queue(database, slots),
        models=models,
        reports=ReportService(models, files, artefacts, readers),
        predictions=PredictionService(answers, lookup, billing, model_cache),
        batches=BatchService(
            answers=answers,
            lookup=lookup,
            billing=billing,
            files=BatchFiles(uploads, artefacts, results, readers, settings.csv_limits),
            batch_jobs=BatchJobs(database, billing),
            jobs=jobs,
            max_rows_at_once=settings.batch_rows_at_once,
        ),
        exports=ExportService(models, artefacts, results, readers),
        accounts=AccountService(database, sweeper),
        course=CourseTraining(datasets, jobs, models),
    )
    loops: list[Loop] = [
        measure_forever(database, slots),
        worker.news.follow(database),
        worker.cluster.follow(),
        Runner(worker).follow(),
        HoldKeeper(worker).follow(),
        sweeper.follow(settings.sweep_seconds),
    ]
    return container, loops


def _worker_parts(settings: MlSettings, database: Database, billing: Billing) -> Parts:
    files = Files(settings.store_url)
    return Parts(
        database=database,
        billing=billing,
        cluster=DaskCluster(settings.dask_scheduler_address),
        files=files,
        artefacts=Artefacts(files),
        uploads=Uploads(files, settings.max_csv_bytes),
        results=Results(files),
        news=JobNews(),
        limits=settings.csv_limits,
        lease_seconds=settings.lease_seconds,
        time_limit=settings.max_train_seconds,
        most_running=settings.max_running_jobs,
    )


def _model_cache(settings: MlSettings, files: Files, artefacts: Artefacts) -> ModelCache:
    def load(model: StoredModel) -> predictors.Predictor:
        with files.on_disk(artefacts.key(model.artefact)) as folder:
            return predictors.load(folder, model.files)

    return ModelCache(load, settings.loaded_models, settings.loaded_bytes)


def _sweeper(settings: MlSettings, database: Database, files: Files, model_cache: ModelCache) -> Sweeper:
    ages = Ages(
        orphan=timedelta(minutes=settings.orphan_minutes),
        answers=timedelta(hours=settings.answers_kept_hours),
    )
    return Sweeper(database, files, model_cache, ages)
