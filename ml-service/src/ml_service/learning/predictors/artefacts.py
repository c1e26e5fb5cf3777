"""Files of a model, read only if their SHA-256 is the recorded one."""

import hashlib
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ml_service.learning.model_types import get_model_type
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.learning.predictors.errors import ArtefactRefused
from ml_service.learning.predictors.predictor import Predictor
from ml_service.learning.tables import Json

FORMAT = 2
DOCUMENT, ARRAYS, PIPELINE, REPORT = "model.json", "predictor.npz", "pipeline.joblib", "report.json"
FILES = frozenset({DOCUMENT, ARRAYS, PIPELINE, REPORT})


def load(directory: Path, files: Mapping[str, str]) -> Predictor:
    """Load the predictor of a model; `files` has the SHA-256 of each file."""
    contents = _read_checked(Path(directory), files, {DOCUMENT, ARRAYS})
    document = json.loads(contents[DOCUMENT])
    if document["format"] != FORMAT:
        raise ArtefactRefused
    with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as stored:
        arrays = _group_by_prefix(stored)
    encoder = Encoder(Encoding.from_json(document["encoding"]), arrays["encoding"])
    score = get_model_type(document["model_type"]).scorer(arrays["model"], document["task"])
    return Predictor(encoder, score, document["classes"], Calibration(arrays["calibration"]["scores"]))


def load_pipeline(directory: Path, files: Mapping[str, str]) -> Any:  # Any: a scikit-learn pipeline
    """Load the scikit-learn pipeline: a pickle, so its bytes are checked before they are unpickled."""
    import joblib

    from ml_service.learning.predictors import dates

    # Alias for pickles of older pipelines, which contain the former module path of `DateParts`.
    sys.modules.setdefault("ml_service.training.dates", dates)
    return joblib.load(io.BytesIO(_read_checked(Path(directory), files, {PIPELINE})[PIPELINE]))


def read_report(directory: Path, files: Mapping[str, str]) -> Json:
    return json.loads(_read_checked(Path(directory), files, {REPORT})[REPORT])


def _read_checked(directory: Path, files: Mapping[str, str], names: set[str]) -> dict[str, bytes]:
    """Check all files and return those named; each is read once, so no byte changes after the check."""
    if files.keys() ^ FILES:
        raise ArtefactRefused
    contents: dict[str, bytes] = {}
    for name, expected in files.items():
        try:
            content = (directory / name).read_bytes()
        except OSError as error:
            raise ArtefactRefused from error
        if hashlib.sha256(content).hexdigest() != expected:
            raise ArtefactRefused
        if name in names:
            contents[name] = content
    return contents


def _group_by_prefix(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:  # Any: arrays of every type
    groups: dict[str, dict[str, Any]] = {"encoding": {}, "model": {}, "calibration": {}}  # Any: as above
    for key in arrays:
        group, _, name = key.partition(".")
        groups[group][name] = arrays[key]
    return groups
