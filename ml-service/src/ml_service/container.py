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
from ml_service.models.loaded_models import Load, LoadedModels
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


@dataclass(frozen=True)
class Outside:
    """Parts that are opened before the others and closed after them."""

    authentication: Authentication
    database: Database
    lookup: ModelLookup
    billing: Billing


def build(settings: MlSettings, outside: Outside) -> tuple[Container, list[Loop]]:
    """The container, and the loops that run beside the requests."""
    database, billing = outside.database, outside.billing
    files = Files(settings.store_url)
    artefacts, uploads, results = Artefacts(files), Uploads(files, settings.max_csv_bytes), Results(files)
    readers, news = Readers(READER_PROCESSES), JobNews()
    answers = FirstAnswers(database, first_answers)
    loaded = LoadedModels(_load_with(files, artefacts), settings.loaded_models, settings.loaded_bytes)
    inspector = Inspector(files, settings.csv_limits)
    sweeper = _sweeper(settings, database, files, loaded)
    parts = Parts(
        database=database,
        billing=billing,
        cluster=DaskCluster(settings.dask_scheduler_address),
        files=files,
        artefacts=artefacts,
        uploads=uploads,
        results=results,
        news=news,
        limits=settings.csv_limits,
        lease_seconds=settings.lease_seconds,
        time_limit=settings.max_train_seconds,
        most_running=settings.max_running_jobs,
    )

    def slots() -> int:
        return parts.cluster.known_slots

    quota = Quota(settings.max_datasets, settings.max_datasets_bytes)
    datasets = DatasetService(database, uploads, inspector, quota, is_training_on)
    jobs, models = JobService(database, billing, news), ModelService(database, artefacts, loaded)
    container = Container(
        settings=settings,
        authentication=outside.authentication,
        database=database,
        billing=billing,
        datasets=datasets,
        inspections=InspectionService(database, inspector),
        jobs=jobs,
        queue_estimates=Queue(database, slots),
        models=models,
        reports=ReportService(models, files, artefacts, readers),
        predictions=PredictionService(answers, outside.lookup, billing, loaded),
        batches=BatchService(
            answers=answers,
            lookup=outside.lookup,
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
        news.follow(database),
        parts.cluster.follow(),
        Runner(parts).follow(),
        HoldKeeper(parts).follow(),
        sweeper.follow(settings.sweep_seconds),
    ]
    return container, loops


def _load_with(files: Files, artefacts: Artefacts) -> Load:
    def load(model: StoredModel) -> predictors.Predictor:
        with files.on_disk(artefacts.key(model.artefact)) as folder:
            return predictors.load(folder, model.files)

    return load


def _sweeper(settings: MlSettings, database: Database, files: Files, loaded: LoadedModels) -> Sweeper:
    ages = Ages(
        orphan=timedelta(minutes=settings.orphan_minutes),
        answers=timedelta(hours=settings.answers_kept_hours),
    )
    return Sweeper(database, files, loaded, ages)
