"""Files out of models: rows with predictions, reports, and bundles to leave with."""

from http import HTTPStatus
from pathlib import Path
from typing import TypedDict
from urllib.parse import quote

from farebox.calls import Answer, Call, Parameter, keyed, one
from farebox.results.base import Charge
from farebox.results.jobs import Job
from farebox.results.predictions import PredictedFile
from farebox.tables import Source, upload_of

FILE_SECONDS = 900.0


class BatchOptions(TypedDict, total=False):
    """What to say of each row beside its prediction."""

    probabilities: bool
    """Each class with its probability; for classifiers."""
    coverage: float
    """An interval or a set of labels that holds the truth this often, 0.5 to 0.99."""
    idempotency_key: str
    """Your own key, to repeat in a later run a request whose answer was lost."""


def batch_call(name: str, source: Source, to: str | Path, options: BatchOptions) -> Call[PredictedFile | Job]:
    """A large file is answered with the job that predicts it."""
    path = Path(to)

    def read(answer: Answer) -> PredictedFile | Job:
        return one(Job)(answer) if answer.status == HTTPStatus.ACCEPTED else _predicted(path, answer)

    return Call(
        "POST",
        _batch_path(name),
        read,
        params=_asked(options),
        files={"file": upload_of(source)},
        headers=keyed(options.get("idempotency_key")),
        seconds=FILE_SECONDS,
        save_to=path,
    )


def batch_job_call(name: str, source: Source, options: BatchOptions) -> Call[Job]:
    return Call(
        "POST",
        _batch_path(name),
        one(Job),
        params=_asked(options),
        files={"file": upload_of(source)},
        headers={"Prefer": "respond-async", **keyed(options.get("idempotency_key"))},
        seconds=FILE_SECONDS,
    )


def result_call(job_id: int, to: str | Path) -> Call[PredictedFile]:
    path = Path(to)
    return Call(
        "GET",
        f"/v1/jobs/{job_id}/result",
        lambda answer: _predicted(path, answer),
        seconds=FILE_SECONDS,
        save_to=path,
    )


def export_call(name: str, to: str | Path) -> Call[Path]:
    path = Path(to)
    return Call(
        "GET",
        f"/v1/models/{quote(name, safe='')}/export",
        lambda _answer: path,
        seconds=FILE_SECONDS,
        save_to=path,
    )


def report_page_call(name: str, to: str | Path) -> Call[Path]:
    path = Path(to)
    return Call(
        "GET",
        f"/v1/models/{quote(name, safe='')}/report",
        lambda _answer: path,
        params={"format": "html"},
        seconds=FILE_SECONDS,
        save_to=path,
    )


def _batch_path(name: str) -> str:
    return f"/v1/models/{quote(name, safe='')}/batch"


def _asked(options: BatchOptions) -> dict[str, Parameter]:
    return {"probabilities": options.get("probabilities"), "coverage": options.get("coverage")}


def _predicted(path: Path, answer: Answer) -> PredictedFile:
    rows, failed = (int(answer.headers.get(each, 0)) for each in ("x-rows", "x-rows-failed"))
    return PredictedFile(path=path, rows=rows, failed=failed, charge=Charge.of(answer))
