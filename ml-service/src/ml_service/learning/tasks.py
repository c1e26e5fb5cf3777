"""What a worker runs: a training, a candidate's scoring or a batch, each from files in the store."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from distributed import get_worker

from kit.errors import ServiceError
from ml_service.base import Json
from ml_service.learning import training
from ml_service.learning.batches import runs
from ml_service.learning.comparison.scoring import score_candidate
from ml_service.learning.tables import CsvLimits
from ml_service.store.files import Files
from ml_service.work.cluster import TOPIC


@dataclass(frozen=True, slots=True)
class Table:
    """A file in the store, and how large it may be."""

    store_url: str
    key: str
    limits: CsvLimits


def train_on_worker(key: str, table: Table, spec: Json, artefact: str) -> Json:
    files = Files(table.store_url)
    with files.on_disk(table.key) as path, files.folder_to_write(artefact) as folder:
        return training.run(str(path), spec, str(folder), _reporter(key), table.limits)


def score_on_worker(key: str, table: Table, spec: Json) -> Json:
    with Files(table.store_url).on_disk(table.key) as path:
        return score_candidate(str(path), spec, _reporter(key), table.limits)


def predict_on_worker(key: str, task: runs.Task, rows: int, result: str) -> Json:
    report = _each_percent(_reporter(key), rows)
    try:
        return {"result": asdict(runs.predict(task, result, report))}
    except ServiceError as error:
        return {"error": {"code": error.code, "detail": error.detail, "members": error.members}}


def _reporter(key: str) -> Callable[..., None]:
    worker = get_worker()

    def report(stage: str, percent: int | None = None) -> None:
        worker.log_event(TOPIC, {"key": key, "stage": stage, "percent": percent})

    return report


def _each_percent(report: Callable[..., None], rows: int) -> Callable[[int], None]:
    told = -1

    def report_rows(done: int) -> None:
        nonlocal told
        if (percent := 100 * done // rows) > told:
            told = percent
            report("predicting", percent)

    return report_rows
