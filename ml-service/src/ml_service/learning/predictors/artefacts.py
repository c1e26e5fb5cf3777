"""Models from their files, once every file is known to be the one that was saved."""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from ml_service.learning.model_types import get_model_type
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.learning.predictors.errors import ArtefactRefused
from ml_service.learning.predictors.predictor import Predictor

FORMAT = 2
DOCUMENT, ARRAYS, PIPELINE, REPORT = "model.json", "predictor.npz", "pipeline.joblib", "report.json"
FILES = frozenset({DOCUMENT, ARRAYS, PIPELINE, REPORT})


def load(directory: Path, files: Mapping[str, str]) -> Predictor:
    """The predictor in this directory; `files` says what SHA-256 each file must have."""
    contents = _checked(Path(directory), files, keep={DOCUMENT, ARRAYS})
    document = json.loads(contents[DOCUMENT])
    if document["format"] != FORMAT:
        raise ArtefactRefused
    with np.load(io.BytesIO(contents[ARRAYS]), allow_pickle=False) as arrays:
        by_part = _by_part(arrays)
    encoder = Encoder(Encoding.from_json(document["encoding"]), by_part["encoding"])
    score = get_model_type(document["model_type"]).scorer(by_part["model"], document["task"])
    return Predictor(encoder, score, document["classes"], Calibration(by_part["calibration"]["scores"]))


def load_pipeline(directory: Path, files: Mapping[str, str]) -> Any:  # Any: a scikit-learn pipeline
    """The pipeline itself: a pickle, so its bytes are checked before they are unpickled."""
    return joblib.load(io.BytesIO(_checked(Path(directory), files, keep={PIPELINE})[PIPELINE]))


def read_report(directory: Path, files: Mapping[str, str]) -> dict[str, Any]:  # Any: JSON
    return json.loads(_checked(Path(directory), files, keep={REPORT})[REPORT])


def _checked(directory: Path, files: Mapping[str, str], keep: set[str]) -> dict[str, bytes]:
    """These files' contents, read once: what is used is what was checked."""
    if files.keys() ^ FILES:
        raise ArtefactRefused
    kept: dict[str, bytes] = {}
    for name, expected in files.items():
        try:
            content = (directory / name).read_bytes()
        except OSError as error:
            raise ArtefactRefused from error
        if hashlib.sha256(content).hexdigest() != expected:
            raise ArtefactRefused
        if name in keep:
            kept[name] = content
    return kept


def _by_part(arrays: Mapping[str, Any]) -> dict[str, dict[str, Any]]:  # Any: arrays of every type
    parts: dict[str, dict[str, Any]] = {"encoding": {}, "model": {}, "calibration": {}}  # Any: as above
    for key in arrays:
        part, _, name = key.partition(".")
        parts[part][name] = arrays[key]
    return parts
