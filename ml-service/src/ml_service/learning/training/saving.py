"""Files of a new model, written and flushed to the disk in threads while its report is computed."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import IO, Any

import joblib
import numpy as np

from kit.fault_points import fault_point
from ml_service.learning.model_types.protocol import Arrays
from ml_service.learning.predictors.artefacts import ARRAYS, PIPELINE
from ml_service.learning.tables import Json
from ml_service.learning.training.errors import ModelTooLarge

WRITTEN_BYTES = 1 << 20
# The pickle has facts about training rows, most of which are small numbers.
COMPRESSION = ("zlib", 1)


class ArtefactWriter:
    """Writes each file as it is added; `finish` waits for all of them."""

    def __init__(self, directory: Path, threads: Executor, max_bytes: int, advice: str) -> None:
        """`directory` must not exist; `advice` says how a model gets smaller."""
        directory.mkdir(parents=True)
        self._directory, self._threads = directory, threads
        self._budget = _Budget(max_bytes, advice)
        self._records: dict[str, Future[Json]] = {}

    def add_model(self, arrays: Arrays, pipeline: Any) -> None:  # Any: of scikit-learn
        # Uncompressed, so that a reader needs no copy of an array.
        self._add(ARRAYS, lambda file: np.savez(file, allow_pickle=False, **arrays))
        self._add(PIPELINE, lambda file: joblib.dump(pipeline, file, COMPRESSION))

    def add_document(self, name: str, document: Json) -> None:
        content = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()
        self._add(name, lambda file: file.write(content))

    def finish(self) -> dict[str, Json]:
        """The SHA-256 and the size of each file; raises ModelTooLarge and deletes what was written."""
        wait(self._records.values())
        try:
            records = {name: record.result() for name, record in self._records.items()}
        except ModelTooLarge:
            shutil.rmtree(self._directory)
            raise
        fault_point("artefact written")
        _flush_directory(self._directory)
        return records

    def _add(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        self._records[name] = self._threads.submit(_write, self._directory / name, write, self._budget)


class _Budget:
    """The bytes that the files of a model may still have together."""

    def __init__(self, limit: int, advice: str) -> None:
        self._limit = self._left = limit
        self._advice = advice

    def take(self, size: int) -> None:
        """Raises ModelTooLarge; threads of other files fail at their next write."""
        self._left -= size
        if self._left < 0:
            raise ModelTooLarge(self._limit, self._advice)


class _BoundedFile(io.BufferedWriter):
    """A new file whose bytes are taken from a budget."""

    def __init__(self, path: Path, budget: _Budget) -> None:
        super().__init__(io.FileIO(path, "xb"), WRITTEN_BYTES)
        self._budget = budget

    def write(self, content: Any) -> int:  # Any: buffers of every type
        self._budget.take(memoryview(content).nbytes)
        return super().write(content)


def _write(path: Path, write: Callable[[IO[bytes]], object], budget: _Budget) -> Json:
    with _BoundedFile(path, budget) as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    return {"sha256": hash_file(path).hex(), "bytes": path.stat().st_size}


def hash_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
