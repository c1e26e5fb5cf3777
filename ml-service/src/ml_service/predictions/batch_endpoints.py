"""Batches over HTTP: predict a file at once or as a job."""

from typing import Annotated

import orjson
from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import ClientLeft, IdempotencyKeyExpired, IdempotencyKeyReused, IdempotencyTwinRunning
from kit.fields import RowIdInPath
from kit.idempotency import REPLAYED, IdempotencyKey
from kit.problems import documented
from ml_service.billing.charges import charged_headers
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import PayingPredictCaller
from ml_service.datasets.bodies import TABLE_FILES, read_body
from ml_service.errors import (
    DatasetTooLarge,
    FormMalformed,
    JobNotFound,
    ModelNotFound,
    NoResult,
    NotATable,
    ResultPending,
    UploadInterrupted,
)
from ml_service.jobs.endpoints import Estimates, Jobs, headers_of
from ml_service.jobs.schemas import JobView
from ml_service.jobs.service import StartedJob
from ml_service.learning.batches import BATCH_ERRORS
from ml_service.learning.predictors import PredictionOptions
from ml_service.learning.predictors.errors import ArtefactRefused, CoverageTooHigh, NoProbabilities
from ml_service.learning.tables import CSV_ERRORS
from ml_service.models.endpoints import ModelName
from ml_service.predictions.batch_service import BatchInput, BatchService
from ml_service.predictions.service import PredictionResult
from ml_service.store.errors import POOL_ERRORS, STORAGE_ERRORS, FileMissing
from ml_service.store.uploads import Upload

router = strict_router("/v1", ["predictions"])

ASYNC = "respond-async"
Preferences = Annotated[str | None, Header(description="`respond-async`: respond at once with a job.")]


async def _batches(request: Request) -> BatchService:
    return request.app.state.container.batches


Batches = Annotated[BatchService, Depends(_batches)]


@router.post(
    "/models/{name}/batch",
    response_class=StreamingResponse,
    openapi_extra={"requestBody": {"required": True, "content": TABLE_FILES}},
    responses={
        200: {"content": TABLE_FILES},
        202: {"model": JobView, "description": "A job predicts the file"},
    }
    | documented(
        ModelNotFound,
        *STORAGE_ERRORS,
        FormMalformed,
        UploadInterrupted,
        DatasetTooLarge,
        NotATable,
        FileMissing,
        *POOL_ERRORS,
        ClientLeft,
        *CHARGE_ERRORS,
        IdempotencyTwinRunning,
        IdempotencyKeyReused,
        IdempotencyKeyExpired,
        *CSV_ERRORS,
        *BATCH_ERRORS,
        NoProbabilities,
        CoverageTooHigh,
        ArtefactRefused,
    ),
)
async def predict_file(
    request: Request,
    name: ModelName,
    caller: PayingPredictCaller,
    batches: Batches,
    estimates: Estimates,
    probabilities: bool = False,
    coverage: Annotated[float | None, Query(ge=0.5, le=0.99)] = None,
    key: IdempotencyKey = None,
    prefer: Preferences = None,
) -> Response:
    """Predict a file of CSV, JSON Lines, Parquet or a workbook; returns it with predictions.

    The result has the format of the file; that of a workbook is CSV in UTF-8 with a byte order mark, which
    spreadsheets open, of the first sheet with the model's features. CSV and JSON Lines may be compressed with
    gzip.
    An invalid row has an explanation in the column `error` and is free. The column `unknown_categories` names
    the features of a row whose category the model has not learnt, and `X-Rows-Unknown-Category` counts such
    rows. The label's column is ignored; if all its cells are there, `X-Scores` compares them. With the header
    `Prefer: respond-async`, and for more rows than `GET /v1/limits` allows at once, a job predicts the file;
    its result is then at `/v1/jobs/{job_id}/result`. An API key needs the scope `read` to download it.
    """

    async def read(upload: Upload) -> object:
        return await read_body(request, upload, "file")

    batch = BatchInput(name, PredictionOptions(probabilities, coverage), key, _prefers_job(prefer))
    result = await batches.predict(caller, batch, read)
    if isinstance(result, StartedJob):
        estimated = await estimates.for_jobs([result.job])
        return _accepted(result, JobView.of(result.job, estimated), applied=batch.respond_async)
    return _file_response(batches, result, once=key is None)


@router.get(
    "/jobs/{job_id}/result",
    response_class=StreamingResponse,
    responses={200: {"content": TABLE_FILES}} | documented(JobNotFound, ResultPending, NoResult),
)
async def download_result(
    job_id: RowIdInPath, caller: Reader, jobs: Jobs, batches: Batches
) -> StreamingResponse:
    """Download the result of a batch job, any number of times while it is stored."""
    result = await batches.find_result(await jobs.get(caller.user_id, job_id))
    return _file_response(batches, result, once=False)


def _prefers_job(prefer: str | None) -> bool:
    preferences = (item.partition(";")[0].strip().lower() for item in (prefer or "").split(","))
    return ASYNC in preferences


def _accepted(started: StartedJob, view: JobView, *, applied: bool) -> JSONResponse:
    headers = headers_of(started) | ({"Preference-Applied": ASYNC} if applied else {})
    return JSONResponse(view.model_dump(mode="json"), 202, headers)


def _file_response(batches: BatchService, result: PredictionResult, *, once: bool) -> StreamingResponse:
    answer = result.answer
    file_format = answer["format"]
    headers = {
        **charged_headers(result.receipt),
        **(REPLAYED if result.replayed else {}),
        "Content-Length": str(answer["size_bytes"]),
        "Content-Disposition": f'attachment; filename="predictions.{file_format["suffix"]}"',
        "X-Rows": str(answer["rows"]),
        "X-Rows-Failed": str(answer["rows"] - answer["good"]),
        # Answers that were stored by an earlier version lack the others.
        "X-Rows-Unknown-Category": str(answer.get("unknown", 0)),
    }
    if answer.get("scores") is not None:
        headers["X-Scores"] = orjson.dumps(answer["scores"]).decode()
    content = batches.read(result, once=once)
    return StreamingResponse(content, media_type=file_format["media_type"], headers=headers)
