"""Datasets over HTTP."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import IdempotencyKeyReused
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.callers import TrainCaller
from ml_service.datasets.bodies import BINARY, TABLE_FILES, UploadForm, read_body
from ml_service.datasets.schemas import (
    CorrectionRequest,
    DatasetView,
    FindingsView,
    FindingView,
    InspectedDatasetView,
    PreviewView,
)
from ml_service.datasets.service import DatasetService, InspectionService
from ml_service.errors import (
    AccountDeleted,
    DatasetInUse,
    DatasetNotFound,
    DatasetQuotaReached,
    DatasetTooLarge,
    FileMissing,
    FormMalformed,
    NotATable,
    ReaderDied,
    UploadInterrupted,
)
from ml_service.learning.tables import CSV_ERRORS
from ml_service.learning.training.errors import DateLabel, EmptyColumn, UnknownColumn
from ml_service.store.uploads import Upload

router = strict_router("/v1/datasets", ["datasets"])

LabelName = Annotated[str, Query(min_length=1, max_length=200)]
FORM = {"schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}}}
FILE_BODY: dict[str, Any] = {  # Any: OpenAPI
    "requestBody": {"required": True, "content": {"multipart/form-data": FORM, **TABLE_FILES}}
}


async def _datasets(request: Request) -> DatasetService:
    return request.app.state.container.datasets


async def _inspections(request: Request) -> InspectionService:
    return request.app.state.container.inspections


Datasets = Annotated[DatasetService, Depends(_datasets)]
Inspections = Annotated[InspectionService, Depends(_inspections)]


@router.post(
    "",
    status_code=201,
    openapi_extra=FILE_BODY,
    responses=documented(
        FormMalformed,
        UploadInterrupted,
        AccountDeleted,
        DatasetTooLarge,
        DatasetQuotaReached,
        DatasetNotFound,
        NotATable,
        FileMissing,
        *CSV_ERRORS,
        ReaderDied,
        IdempotencyKeyReused,
    ),
)
async def add_dataset(
    request: Request,
    response: Response,
    caller: TrainCaller,
    datasets: Datasets,
    inspections: Inspections,
    key: IdempotencyKey = None,
) -> InspectedDatasetView:
    """Upload a CSV file, plain or compressed with gzip, or a Parquet file, as a form's `file` or as the body.

    The inspection is free. Equal files are stored once.
    """

    async def read(upload: Upload) -> UploadForm:
        return await read_body(request, upload, "file")

    received = await datasets.receive(caller.user_id, read, key)
    response.headers["Location"] = f"/v1/datasets/{received.dataset.id}"
    if received.replayed:
        response.headers.update(REPLAYED)
    if not received.created:
        response.status_code = 200
    return InspectedDatasetView.of(await inspections.get(caller.user_id, received.dataset.id))


@router.get("")
async def list_datasets(caller: Reader, datasets: Datasets, page: RequestedPage) -> Page[DatasetView]:
    """Your datasets, newest first."""
    rows = await datasets.list_page(caller.user_id, page)
    return page.page_of(rows, DatasetView.of, lambda dataset: dataset.id)


@router.get("/{dataset_id}", responses=documented(DatasetNotFound, *CSV_ERRORS, ReaderDied))
async def show_dataset(
    dataset_id: RowIdInPath, caller: Reader, inspections: Inspections
) -> InspectedDatasetView:
    """A dataset with its columns, statistics and findings, and a suggested label and features."""
    return InspectedDatasetView.of(await inspections.get(caller.user_id, dataset_id))


@router.patch(
    "/{dataset_id}",
    responses=documented(DatasetNotFound, *CSV_ERRORS, UnknownColumn, EmptyColumn, ReaderDied),
)
async def correct_dataset(
    dataset_id: RowIdInPath, correction: CorrectionRequest, caller: TrainCaller, inspections: Inspections
) -> InspectedDatasetView:
    """Correct detected column types; later trainings use the corrected types."""
    return InspectedDatasetView.of(await inspections.correct(caller.user_id, dataset_id, correction.kinds))


@router.get(
    "/{dataset_id}/findings",
    responses=documented(DatasetNotFound, UnknownColumn, EmptyColumn, DateLabel, *CSV_ERRORS, ReaderDied),
)
async def list_findings(
    dataset_id: RowIdInPath, label: LabelName, caller: Reader, inspections: Inspections
) -> FindingsView:
    """Findings about a label: imbalanced classes, rare classes, suspected leakage."""
    findings = await inspections.find_label_findings(caller.user_id, dataset_id, label)
    return FindingsView(findings=[FindingView.of(finding) for finding in findings])


@router.get("/{dataset_id}/preview", responses=documented(DatasetNotFound))
async def preview_dataset(dataset_id: RowIdInPath, caller: Reader, datasets: Datasets) -> PreviewView:
    """The first rows of a dataset."""
    return PreviewView(**(await datasets.get(caller.user_id, dataset_id)).preview)


@router.delete("/{dataset_id}", status_code=204, responses=documented(DatasetNotFound, DatasetInUse))
async def delete_dataset(dataset_id: RowIdInPath, caller: TrainCaller, datasets: Datasets) -> None:
    """Delete a dataset and its file; its models stay."""
    await datasets.delete(caller.user_id, dataset_id)
