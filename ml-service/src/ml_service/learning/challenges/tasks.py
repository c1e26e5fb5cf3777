"""Functions that Dask workers run for challenges. They raise nothing: an error could quote a cell."""

from collections.abc import Mapping, Sequence

from threadpoolctl import threadpool_limits

from ml_service.learning import predictors
from ml_service.learning.challenges.errors import (
    MODEL_REFUSED,
    SCORING_FAILED,
    SplitError,
    SplitFailed,
)
from ml_service.learning.challenges.scoring import (
    FrozenModel,
    ScoringRefused,
    ScoringTask,
    library_versions,
    score_parts,
    write_part,
)
from ml_service.learning.challenges.splitting import HoldoutSpec, split_table
from ml_service.learning.predictors import ArtefactRefused
from ml_service.learning.tables import Json, Reading, UploadChanged, UploadMissing, read_stored_table
from ml_service.learning.tasks import TableFile, reporter, reused_memory
from ml_service.store.files import COPY_SUFFIX, Files


def split_on_worker(
    key: str, table: TableFile, reading: Json, spec: HoldoutSpec, keys: Mapping[str, str]
) -> Json:
    """Write the three parts under these keys."""
    report = reporter(key)
    report("reading")
    try:
        with reused_memory():
            return {"result": _split(table, reading, spec, keys)}
    except (SplitError, UploadChanged, UploadMissing) as error:
        return {"error": error.to_document()}
    # Whatever it is, it may quote a cell.
    except Exception:
        return {"error": SplitFailed().to_document()}


def score_on_hidden_rows(key: str, task: ScoringTask, models: Sequence[FrozenModel]) -> Json:
    """The scores of each model, or the code of its failure."""
    report = reporter(key)
    report("scoring")
    with reused_memory():
        return {"result": {"scores": [_score_one(task, model) for model in models]}}


def _split(table: TableFile, reading: Json, spec: HoldoutSpec, keys: Mapping[str, str]) -> Json:
    files = Files(table.store_url)
    # The owner's own upload, which the service itself reads so.
    with files.on_disk(table.key, COPY_SUFFIX) as path:
        read = read_stored_table(path, table.limits, None, Reading.from_json(reading), table.sha256)
    found = split_table(read, spec)
    parts: Json = {}
    for name, rows in found.parts.items():
        sha256 = write_part(files, keys[name], rows)
        parts[name] = {
            "location": keys[name],
            "sha256": sha256.hex(),
            "rows": rows.num_rows,
            "size_bytes": files.size(keys[name]),
            "baseline": found.baselines.get(name),
        }
    return {"parts": parts, "kinds": {name: column.kind for name, column in read.columns.items()}}


def _score_one(task: ScoringTask, model: FrozenModel) -> Json:
    try:
        with Files(task.store_url).on_disk(model.artefact) as folder:
            predictor = predictors.load(folder, model.files)
        with threadpool_limits(1):
            return {**score_parts(task, predictor), "versions": library_versions()}
    except ScoringRefused as refusal:
        return {"code": refusal.args[0]}
    except (ArtefactRefused, OSError):
        return {"code": MODEL_REFUSED}
    # As above.
    except Exception:
        return {"code": SCORING_FAILED}
