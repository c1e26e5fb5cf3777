"""What endpoints are given."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from kit.authentication import Authentication
from kit.database import Database
from ml_service.accounts.service import AccountService
from ml_service.batches.service import BatchService
from ml_service.billing.metadata import MetadataMeter
from ml_service.course.service import CourseTraining
from ml_service.datasets.insight_service import DatasetInsight
from ml_service.datasets.service import DatasetService
from ml_service.exports.service import ExportService
from ml_service.jobs.estimates import QueueEstimates
from ml_service.jobs.service import JobService
from ml_service.models.report_service import ReportService
from ml_service.models.service import ModelService
from ml_service.predictions.service import PredictionService
from ml_service.settings import MlSettings


@dataclass(frozen=True)
class Services:
    """On the app's state while it runs."""

    settings: MlSettings
    batches: BatchService
    exports: ExportService
    datasets: DatasetService
    insight: DatasetInsight
    jobs: JobService
    queue_estimates: QueueEstimates
    models: ModelService
    predictions: PredictionService
    accounts: AccountService
    reports: ReportService
    metadata: MetadataMeter
    course: CourseTraining
    authentication: Authentication | None = None
    database: Database | None = None


def _services(request: Request) -> Services:
    return request.app.state.container


async def _datasets(request: Request) -> DatasetService:
    return _services(request).datasets


async def _insight(request: Request) -> DatasetInsight:
    return _services(request).insight


async def _models(request: Request) -> ModelService:
    return _services(request).models


async def _predictions(request: Request) -> PredictionService:
    return _services(request).predictions


async def _batches(request: Request) -> BatchService:
    return _services(request).batches


async def _exports(request: Request) -> ExportService:
    return _services(request).exports


async def _reports(request: Request) -> ReportService:
    return _services(request).reports


async def _metadata(request: Request) -> MetadataMeter:
    return _services(request).metadata


async def _course(request: Request) -> CourseTraining:
    return _services(request).course


Datasets = Annotated[DatasetService, Depends(_datasets)]
Insight = Annotated[DatasetInsight, Depends(_insight)]
Models = Annotated[ModelService, Depends(_models)]
Predictions = Annotated[PredictionService, Depends(_predictions)]
Batches = Annotated[BatchService, Depends(_batches)]
Exports = Annotated[ExportService, Depends(_exports)]
Reports = Annotated[ReportService, Depends(_reports)]
Meter = Annotated[MetadataMeter, Depends(_metadata)]
Course = Annotated[CourseTraining, Depends(_course)]
