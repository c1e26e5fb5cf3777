"""Datasets over HTTP."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
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
from ml_service.datasets.inspection import are_current
from ml_service.datasets.inspection_service import InspectionService
from ml_service.datasets.reading_schemas import ReadingSettings
from ml_service.datasets.schemas import (
    CorrectionRequest,
    DatasetView,
    FindingsView,
    FindingView,
    InspectedDatasetView,
    PreviewView,
    inspected_members,
)
from ml_service.datasets.service import DatasetService
from ml_service.errors import (
    AccountDeleted,
    DatasetInUse,
    DatasetNotFound,
    DatasetQuotaReached,
    DatasetTooLarge,
    FieldUnusable,
    FormMalformed,
    NotATable,
    UploadInterrupted,
)
from ml_service.learning.tables import CSV_ERRORS, Reading
from ml_service.learning.training.errors import DateLabel, EmptyColumn, UnknownColumn
from ml_service.orm import Dataset
from ml_service.store.errors import POOL_ERRORS, STORAGE_ERRORS, FileMissing
from ml_service.store.uploads import Upload

router = strict_router("/v1/datasets", ["datasets"])

LabelName = Annotated[str, Query(min_length=1, max_length=200)]
SETTING = {"type": "string", "description": "A setting of the reading; lists and columns are JSON."}
FORM_FIELDS = {"file": BINARY, **dict.fromkeys(ReadingSettings.model_fields, SETTING)}
FORM = {"schema": {"type": "object", "required": ["file"], "properties": FORM_FIELDS}}
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
    response_model=InspectedDatasetView,
    openapi_extra=FILE_BODY,
    responses={200: {"model": InspectedDatasetView, "description": "An equal file was stored before."}}
    | documented(
        FormMalformed,
        UploadInterrupted,
        AccountDeleted,
        DatasetTooLarge,
        DatasetQuotaReached,
        *STORAGE_ERRORS,
        NotATable,
        FileMissing,
        FieldUnusable,
        *CSV_ERRORS,
        *POOL_ERRORS,
        IdempotencyKeyReused,
        DatasetNotFound,
    ),
)
async def add_dataset(
    request: Request,
    caller: TrainCaller,
    datasets: Datasets,
    inspections: Inspections,
    key: IdempotencyKey = None,
) -> Response:
    """Upload a table as a form's `file` or as the body: CSV, JSON Lines, Parquet or a workbook.

    CSV and JSON Lines may be compressed with gzip; workbooks are .xlsx, .xlsm, .xlsb, .xls and .ods.

    The inspection is free. Equal files are stored once. Other fields of the form are settings of the reading;
    those that are left out are detected, and listed in the answer.
    """

    async def read(upload: Upload) -> UploadForm:
        return await read_body(request, upload, "file")

    received = await datasets.receive(caller.user_id, read, _settings_in, key)
    dataset = received.dataset
    if not are_current(dataset.details):
        dataset = await inspections.get(caller.user_id, dataset.id)
    headers = {"Location": f"/v1/datasets/{dataset.id}"} | (REPLAYED if received.replayed else {})
    return _inspected(dataset, 201 if received.created else 200, headers)


@router.get("")
async def list_datasets(caller: Reader, datasets: Datasets, page: RequestedPage) -> Page[DatasetView]:
    """Your datasets, newest first."""
    rows = await datasets.list_page(caller.user_id, page)
    return page.page_of(rows, DatasetView.of, lambda dataset: dataset.id)


@router.get(
    "/{dataset_id}",
    response_model=InspectedDatasetView,
    responses=documented(DatasetNotFound, *CSV_ERRORS, *POOL_ERRORS),
)
async def show_dataset(dataset_id: RowIdInPath, caller: Reader, inspections: Inspections) -> Response:
    """A dataset with its columns, statistics and findings, and a suggested label and features."""
    return _inspected(await inspections.get(caller.user_id, dataset_id))


@router.patch(
    "/{dataset_id}",
    response_model=InspectedDatasetView,
    responses=documented(DatasetNotFound, *CSV_ERRORS, UnknownColumn, EmptyColumn, *POOL_ERRORS),
)
async def correct_dataset(
    dataset_id: RowIdInPath,
    correction: CorrectionRequest,
    caller: TrainCaller,
    _reader: Reader,
    inspections: Inspections,
    dry_run: bool = False,
) -> Response:
    """Correct the reading: the file is read again, and later trainings use it so. It is free.

    A dry run shows the result with a preview and stores nothing. An API key needs the scope `read`, too, as
    the response shows the most frequent values.
    """
    if dry_run:
        dataset = await inspections.preview(caller.user_id, dataset_id, correction.to_reading())
        return _inspected(dataset, preview=dataset.preview)
    return _inspected(await inspections.correct(caller.user_id, dataset_id, correction.to_reading()))


@router.get(
    "/{dataset_id}/findings",
    responses=documented(DatasetNotFound, UnknownColumn, EmptyColumn, DateLabel, *CSV_ERRORS, *POOL_ERRORS),
)
async def list_findings(
    dataset_id: RowIdInPath, label: LabelName, caller: Reader, inspections: Inspections
) -> FindingsView:
    """Findings about a label: its usual task, imbalanced classes, rare classes, suspected leakage."""
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


def _settings_in(fields: Mapping[str, str]) -> Reading:
    return ReadingSettings.from_form(fields).to_reading()


def _inspected(
    dataset: Dataset,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    preview: object = None,
) -> Response:
    members = inspected_members(dataset) | {"preview": preview}
    content = orjson.dumps(members, option=orjson.OPT_UTC_Z)
    return Response(content, status, headers, media_type="application/json")
