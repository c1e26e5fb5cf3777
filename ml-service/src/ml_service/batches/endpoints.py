"""Batches over HTTP: a file in, the same file with predictions out, at once or from a job."""

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.idempotency import REPLAYED, IdempotencyKey, IdempotencyKeyReused, IdempotencyTwinRunning
from kit.problems import documented
from ml_service.batches.questions import Question
from ml_service.billing.charging import charged_headers
from ml_service.billing.port import NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, WALLET_NOT_FOUND
from ml_service.callers import PredictCaller
from ml_service.datasets.bodies import read_body
from ml_service.dependencies import Batches, JobQueue, Jobs
from ml_service.errors import (
    BillingUnavailable,
    DatasetTooLarge,
    FormMalformed,
    JobNotFound,
    ModelNotFound,
    NoResult,
    NotATable,
    ReaderDied,
    ResultPending,
    UploadInterrupted,
)
from ml_service.jobs.endpoints import JobId
from ml_service.jobs.schemas import JobView
from ml_service.jobs.service import Started
from ml_service.learning.batches.errors import BATCH_ERRORS
from ml_service.learning.predictors import PredictionOptions
from ml_service.learning.tables import CSV_ERRORS
from ml_service.predictions.once import Answered
from ml_service.store.uploads import Upload

router = strict_router("/v1", ["predictions"])

ASYNC = "respond-async"
Preferences = Annotated[str | None, Header(description="`respond-async`: answer at once, with a job.")]
BINARY = {"schema": {"type": "string", "format": "binary"}}
FILES: dict[str, Any] = {  # Any: OpenAPI
    "text/csv": BINARY,
    "application/gzip": BINARY,
    "application/vnd.apache.parquet": BINARY,
}


@router.post(
    "/models/{name}/batch",
    response_class=StreamingResponse,
    openapi_extra={"requestBody": {"required": True, "content": FILES}},
    responses={200: {"content": FILES}, 202: {"model": JobView, "description": "A job does it"}}
    | documented(
        *(ModelNotFound, FormMalformed, UploadInterrupted, DatasetTooLarge, NotATable, ReaderDied),
        *(
            NOT_ENOUGH_TOKENS,
            TOKEN_CAP_REACHED,
            WALLET_NOT_FOUND,
            IdempotencyTwinRunning,
            IdempotencyKeyReused,
            BillingUnavailable,
        ),
        *(*CSV_ERRORS, *BATCH_ERRORS),
    ),
)
async def predict_file(
    request: Request,
    name: Annotated[str, Path(max_length=200)],
    caller: PredictCaller,
    batches: Batches,
    queue: JobQueue,
    probabilities: bool = False,
    coverage: Annotated[float | None, Query(ge=0.5, le=0.99)] = None,
    key: IdempotencyKey = None,
    prefer: Preferences = None,
) -> Response:
    """Predict a CSV file, plain or gzip'd, or a Parquet file: its own rows in their order, with predictions.

    A row that cannot be used has its reason in the column `error` and costs nothing. With the header
    `Prefer: respond-async`, and for more rows than `GET /v1/limits` says, a job does it, whose result is then
    at `/v1/jobs/{job_id}/result`; an API key needs the scope `read` to follow and fetch it.
    """

    async def read(upload: Upload) -> object:
        return await read_body(request, upload, "file")

    question = Question(name, PredictionOptions(probabilities, coverage), key, _wants_job(prefer))
    answered = await batches.predict(caller, question, read)
    if isinstance(answered, Started):
        outlooks = await queue.outlooks([answered.job])
        return _accepted(answered, JobView.of(answered.job, outlooks), applied=question.respond_async)
    return _file(answered, batches.read(answered, once=key is None))


@router.get(
    "/jobs/{job_id}/result",
    response_class=StreamingResponse,
    responses={200: {"content": FILES}} | documented(JobNotFound, ResultPending, NoResult),
)
async def download_result(job_id: JobId, caller: Reader, jobs: Jobs, batches: Batches) -> StreamingResponse:
    """The file that a batch's job has made, as often as it is asked for while it is kept."""
    answered = await batches.find_result(await jobs.get(caller.user_id, job_id))
    return _file(answered, batches.read(answered, once=False))


def _wants_job(prefer: str | None) -> bool:
    preferences = (each.partition(";")[0].strip().lower() for each in (prefer or "").split(","))
    return ASYNC in preferences


def _accepted(started: Started, view: JobView, *, applied: bool) -> JSONResponse:
    headers = {"Location": f"/v1/jobs/{started.job.id}"}
    headers |= {"Preference-Applied": ASYNC} if applied else {}
    headers |= REPLAYED if started.replayed else {}
    return JSONResponse(view.model_dump(mode="json"), 202, headers)


def _file(answered: Answered, content: AsyncGenerator[bytes]) -> StreamingResponse:
    media_type = answered.answer["format"]["media_type"]
    return StreamingResponse(content, media_type=media_type, headers=_headers_of(answered))


def _headers_of(answered: Answered) -> dict[str, str]:
    answer = answered.answer
    return {
        **charged_headers(answered.receipt),
        **(REPLAYED if answered.replayed else {}),
        "Content-Length": str(answer["size_bytes"]),
        "Content-Disposition": f'attachment; filename="predictions.{answer["format"]["suffix"]}"',
        "X-Rows": str(answer["rows"]),
        "X-Rows-Failed": str(answer["rows"] - answer["good"]),
    }
