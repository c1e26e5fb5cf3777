"""Datasets over HTTP."""

from typing import Annotated, Any

from fastapi import Path, Query, Request, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.fields import LARGEST_ID
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.callers import TrainCaller
from ml_service.datasets.bodies import Form, read_body
from ml_service.datasets.schemas import (
    CorrectionRequest,
    DatasetView,
    FindingsView,
    FindingView,
    InspectedDatasetView,
    PreviewView,
)
from ml_service.dependencies import Datasets, Insight
from ml_service.errors import (
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
from ml_service.learning.tables import CsvError
from ml_service.learning.training.errors import DateLabel, EmptyColumn, UnknownColumn
from ml_service.store.uploads import Upload

router = strict_router("/v1/datasets", ["datasets"])

DatasetId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
LabelName = Annotated[str, Query(min_length=1, max_length=200)]
BINARY = {"type": "string", "format": "binary"}
FILE_BODY: dict[str, Any] = {  # Any: OpenAPI
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": BINARY}}
            },
            "text/csv": {"schema": BINARY},
            "application/gzip": {"schema": BINARY},
            "application/vnd.apache.parquet": {"schema": BINARY},
        },
    }
}


@router.post(
    "",
    status_code=201,
    openapi_extra=FILE_BODY,
    responses=documented(
        FormMalformed,
        UploadInterrupted,
        DatasetTooLarge,
        DatasetQuotaReached,
        NotATable,
        FileMissing,
        CsvError,
        ReaderDied,
        IdempotencyKeyReused,
    ),
)
async def add_dataset(
    request: Request,
    response: Response,
    caller: TrainCaller,
    datasets: Datasets,
    insight: Insight,
    key: IdempotencyKey = None,
) -> InspectedDatasetView:
    """Upload a CSV file, plain or gzip'd, or a Parquet file, as a form's `file` or as the body.

    It is inspected for free. The same file is stored once.
    """

    async def read(upload: Upload) -> Form:
        return await read_body(request, upload, "file")

    added = await datasets.receive(caller.user_id, read, key)
    response.headers["Location"] = f"/v1/datasets/{added.dataset.id}"
    if added.replayed:
        response.headers.update(REPLAYED)
    if not added.created:
        response.status_code = 200
    return InspectedDatasetView.of(await insight.show(caller.user_id, added.dataset.id))


@router.get("")
async def list_datasets(caller: Reader, datasets: Datasets, page: RequestedPage) -> Page[DatasetView]:
    """Your datasets, newest first."""
    found = await datasets.list_page(caller.user_id, page)
    return page.page_of(found, DatasetView.of, lambda dataset: dataset.id)


@router.get("/{dataset_id}", responses=documented(DatasetNotFound))
async def show_dataset(dataset_id: DatasetId, caller: Reader, insight: Insight) -> InspectedDatasetView:
    """One dataset with its columns, what is remarkable about them, and a suggestion of what to train."""
    return InspectedDatasetView.of(await insight.show(caller.user_id, dataset_id))


@router.patch(
    "/{dataset_id}", responses=documented(DatasetNotFound, CsvError, UnknownColumn, EmptyColumn, ReaderDied)
)
async def correct_dataset(
    dataset_id: DatasetId, correction: CorrectionRequest, caller: TrainCaller, insight: Insight
) -> InspectedDatasetView:
    """Say what columns are where they look otherwise; trainings from now on read them so."""
    return InspectedDatasetView.of(await insight.correct(caller.user_id, dataset_id, correction.kinds))


@router.get(
    "/{dataset_id}/findings",
    responses=documented(DatasetNotFound, UnknownColumn, EmptyColumn, DateLabel, ReaderDied),
)
async def list_findings(
    dataset_id: DatasetId, label: LabelName, caller: Reader, insight: Insight
) -> FindingsView:
    """What is remarkable once it is known what to predict: uneven classes, rare ones, suspected leakage."""
    found = await insight.find_about_label(caller.user_id, dataset_id, label)
    return FindingsView(findings=[FindingView.of(each) for each in found])


@router.get("/{dataset_id}/preview", responses=documented(DatasetNotFound))
async def preview_dataset(dataset_id: DatasetId, caller: Reader, datasets: Datasets) -> PreviewView:
    """The first rows of a dataset."""
    return PreviewView(**(await datasets.get(caller.user_id, dataset_id)).preview)


@router.delete("/{dataset_id}", status_code=204, responses=documented(DatasetNotFound, DatasetInUse))
async def delete_dataset(dataset_id: DatasetId, caller: TrainCaller, datasets: Datasets) -> None:
    """Delete a dataset and its file; models trained on it stay."""
    await datasets.delete(caller.user_id, dataset_id)
