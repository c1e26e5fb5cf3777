"""Files of a new model, written and flushed to the disk in threads while its report is computed."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import IO, Any

import joblib
import numpy as np

from ml_service.learning.model_types.protocol import ArrayFile, CompiledArrays
from ml_service.learning.predictors.artefacts import ARRAYS, PIPELINE
from ml_service.learning.tables import Json

COPIED_BYTES = 1 << 20


class ArtefactWriter:
    """Writes each file as it is added; `finish` waits for all of them."""

    def __init__(self, directory: Path, threads: Executor) -> None:
        """`directory` must not exist."""
        directory.mkdir(parents=True)
        self._directory, self._threads = directory, threads
        self._digests: dict[str, Future[str]] = {}

    def add_model(
        self, compile_arrays: Callable[[], CompiledArrays], pipeline: Any
    ) -> None:  # Any: of scikit-learn
        self._add(ARRAYS, lambda file: _write_arrays(compile_arrays(), file))
        self._add(PIPELINE, lambda file: joblib.dump(pipeline, file))

    def add_document(self, name: str, document: Json) -> None:
        content = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode()
        self._add(name, lambda file: file.write(content))

    def finish(self) -> dict[str, str]:
        """The SHA-256 of each file."""
        digests = {name: digest.result() for name, digest in self._digests.items()}
        _flush_directory(self._directory)
        return digests

    def _add(self, name: str, write: Callable[[IO[bytes]], object]) -> None:
        self._digests[name] = self._threads.submit(_write, self._directory / name, write)


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> str:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    return hash_file(path)


def hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_arrays(arrays: CompiledArrays, file: IO[bytes]) -> None:
    """Write the arrays like `np.savez`, without loading those in files."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                if isinstance(array, ArrayFile):
                    with array.file as stored:
                        shape = (stored.seek(0, os.SEEK_END),)
                        stored.seek(0)
                        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
                        np.lib.format.write_array_header_1_0(entry, header)
                        shutil.copyfileobj(stored, entry, COPIED_BYTES)
                else:
                    np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
