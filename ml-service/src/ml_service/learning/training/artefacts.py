"""A model's files: written, flushed to the disk, and known by their SHA-256."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

import joblib
import numpy as np
from sklearn.pipeline import Pipeline

from ml_service.learning.model_types.protocol import Arrays
from ml_service.learning.predictors.loading import ARRAYS, PIPELINE


def save(
    directory: Path, documents: Mapping[str, Mapping[str, Any]], arrays: Arrays, pipeline: Pipeline
) -> dict[str, str]:  # Any: JSON
    """The SHA-256 of each file in this new directory."""
    directory.mkdir(parents=True)
    writers: dict[str, Callable[[IO[bytes]], object]] = {
        **{name: partial(_write_json, document) for name, document in documents.items()},
        ARRAYS: lambda file: np.savez(file, allow_pickle=False, **arrays),
        PIPELINE: lambda file: joblib.dump(pipeline, file),
    }
    files = {name: _write(directory / name, write) for name, write in writers.items()}
    _flush_directory(directory)
    return files


def _write_json(document: Mapping[str, Any], file: IO[bytes]) -> None:  # Any: JSON
    file.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode())


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> str:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
