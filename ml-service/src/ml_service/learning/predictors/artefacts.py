"""Files of a model, read only if their size and SHA-256 are the recorded ones."""

import hashlib
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_service.learning.model_types import get_model_type
from ml_service.learning.predictors.arrays import read_arrays
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.learning.predictors.errors import ArtefactRefused
from ml_service.learning.predictors.predictor import Cost, Predictor
from ml_service.learning.tables import MEGABYTE, Json
from ml_service.learning.tables.stored_files import hash_open_file, open_regular, read_exactly
from ml_service.store.files import Files

# Since format 3, forests are in compact arrays, the pipeline lacks what `restore` takes from them, and
# intervals have a shape, without which their scores would be misread.
FORMAT = 3
READABLE_FORMATS = (2, FORMAT)
DOCUMENT, ARRAYS, PIPELINE, REPORT = "model.json", "predictor.npz", "pipeline.joblib", "report.json"
FILES = frozenset({DOCUMENT, ARRAYS, PIPELINE, REPORT})
# The default limit of the files of a new model, and of its memory: a forest of 100 trees on 65,000 rows of a
# continuous label.
MAX_MODEL_BYTES = 512 * MEGABYTE
# The limit of a file of a model of an older version, whose sizes were not recorded.
MAX_UNRECORDED_BYTES = 2048 * MEGABYTE

# The files of a model: {"sha256", "bytes"} of each, or its SHA-256 alone for one of an older version. The
# record of the arrays has the `Sizes`, too.
RecordedFiles = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True)
class Sizes:
    """The memory of a loaded model, and what `restore` adds to its pipeline; 0 in one of an older version."""

    loaded: int = 0
    restored: int = 0


def load(directory: Path, files: RecordedFiles) -> Predictor:
    """Load the predictor of a model.

    Needs memory for the file of arrays, and for what the model type makes of them.
    """
    contents = _read_checked(Path(directory), files, {DOCUMENT, ARRAYS})
    document, arrays = _parse(contents)
    encoder = Encoder(Encoding.from_json(document["encoding"]), arrays["encoding"])
    model_type = get_model_type(document["model_type"])
    cost = Cost(model_type.row_seconds(arrays["model"]), model_type.loaded_bytes(arrays["model"]))
    score = model_type.scorer(arrays["model"], document["task"])
    calibration = Calibration.from_arrays(arrays["calibration"])
    return Predictor(encoder, score, document["classes"], calibration, cost)


def check_stored_files(store_url: str, artefact: str, files: RecordedFiles) -> None:
    """Raise ArtefactRefused unless all files of an artefact are in the store as recorded."""
    with Files(store_url).on_disk(artefact) as directory:
        _read_checked(directory, files, set())


def load_pipeline(directory: Path, files: RecordedFiles) -> Any:  # Any: a scikit-learn pipeline
    """Load the scikit-learn pipeline: a pickle, so its bytes are checked before they are unpickled."""
    import joblib

    from ml_service.learning.predictors import dates

    # Alias for pickles of older pipelines, which contain the former module path of `DateParts`.
    sys.modules.setdefault("ml_service.training.dates", dates)
    contents = _read_checked(Path(directory), files, {DOCUMENT, ARRAYS, PIPELINE})
    document, arrays = _parse(contents)
    pipeline = joblib.load(io.BytesIO(contents[PIPELINE]))
    name, estimator = pipeline.steps[-1]
    model_type = get_model_type(document["model_type"])
    pipeline.steps[-1] = name, model_type.restore(estimator, arrays["model"])
    return pipeline


def read_report(directory: Path, files: RecordedFiles) -> Json:
    return json.loads(_read_checked(Path(directory), files, {REPORT})[REPORT])


def recorded_size(recorded: Any) -> int | None:  # Any: as in RecordedFiles
    """The recorded size of a file; None in a model of an older version."""
    return None if isinstance(recorded, str) else int(recorded["bytes"])


def recorded_sizes(files: RecordedFiles) -> Sizes:
    sizes = files.get(ARRAYS)
    return Sizes(**sizes.get("sizes", {})) if isinstance(sizes, dict) else Sizes()


def _parse(contents: Mapping[str, bytes]) -> tuple[Json, dict[str, dict[str, Any]]]:  # Any: as below
    """The document and the arrays by group; raises ArtefactRefused for another version's."""
    document = json.loads(contents[DOCUMENT])
    if document["format"] not in READABLE_FORMATS:
        raise ArtefactRefused
    return document, _group_by_prefix(read_arrays(contents[ARRAYS]))


def _read_checked(directory: Path, files: RecordedFiles, names: set[str]) -> dict[str, bytes]:
    """Check all files and return those named; each is read once, so no byte changes after the check."""
    if files.keys() ^ FILES:
        raise ArtefactRefused
    contents: dict[str, bytes] = {}
    for name, recorded in files.items():
        try:
            content = _read_if_intact(directory / name, recorded, keep=name in names)
        except OSError as error:
            raise ArtefactRefused from error
        if content is not None:
            contents[name] = content
    return contents


def _read_if_intact(path: Path, recorded: Any, *, keep: bool) -> bytes | None:  # Any: as in RecordedFiles
    """The content if it is to be kept; raises ArtefactRefused for another file than the recorded one."""
    expected = recorded if isinstance(recorded, str) else recorded["sha256"]
    with open_regular(path) as (file, size):
        if size > MAX_UNRECORDED_BYTES or recorded_size(recorded) not in (None, size):
            raise ArtefactRefused
        content = read_exactly(file, size) if keep else None
        digest = hash_open_file(file, size) if content is None else hashlib.sha256(content).digest()
    if digest.hex() != expected:
        raise ArtefactRefused
    return content


def _group_by_prefix(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:  # Any: arrays of every type
    groups: dict[str, dict[str, Any]] = {"encoding": {}, "model": {}, "calibration": {}}  # Any: as above
    for key in arrays:
        group, _, name = key.partition(".")
        groups[group][name] = arrays[key]
    return groups
