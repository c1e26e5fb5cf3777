"""Check this bundle by its golden rows, or predict rows of your own, without any service:

pip install -r requirements.txt
python score.py                 checks every file's SHA-256, then the golden rows
python score.py rows.csv        the same, then writes a prediction for each row
"""

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
from skops import io as skops

DATES = "ml_service.learning.predictors.dates"
TOLERANCE = 1e-9

Json = dict[str, Any]  # Any: decoded JSON


def check_files(folder: Path) -> Json:
    """The manifest; exits unless every file in it is the one that was exported."""
    manifest: Json = json.loads((folder / "MANIFEST.json").read_text())
    for name, expected in manifest["files"].items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != expected:
            sys.exit(f"{name} is not the file that was exported.")
    return manifest


def load_pipeline(folder: Path, manifest: Json) -> Any:  # Any: a scikit-learn pipeline
    if (folder / "dates.py").exists():
        # The pipeline refers to its step for dates by its module in the program that trained it.
        sys.path.insert(0, str(folder))
        packages = DATES.split(".")[:-1]
        for length in range(1, len(packages) + 1):
            name = ".".join(packages[:length])
            sys.modules[name] = ModuleType(name)
        sys.modules[DATES] = import_module("dates")
    return skops.load(folder / "pipeline.skops", trusted=manifest["trusted_types"])


def read_rows(path: Path, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The model's columns, each converted to its type; an empty cell is missing."""
    frame = pd.read_csv(path, dtype={name: str for name, kind in kinds.items() if kind != "number"})
    return pd.DataFrame({name: as_kind(pd.Series(frame[name]), kind) for name, kind in kinds.items()})


def as_kind(cells: pd.Series, kind: str) -> pd.Series:
    if kind == "date":
        return pd.to_datetime(cells, format="ISO8601", utc=True).dt.tz_localize(None)
    return cells.astype(float if kind == "number" else object)


def predict(pipeline: Any, rows: pd.DataFrame) -> Json:  # Any: a scikit-learn pipeline
    predicted: Json = {"predictions": pipeline.predict(rows).tolist()}
    if hasattr(pipeline, "classes_"):
        predicted["probabilities"] = pipeline.predict_proba(rows).tolist()
    return predicted


def is_same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other


def main(folder: Path, rows: list[str]) -> None:
    manifest = check_files(folder)
    pipeline = load_pipeline(folder, manifest)
    golden = read_rows(folder / "golden.csv", manifest["features"])
    expected: Json = json.loads((folder / "expected.json").read_text())
    predicted = predict(pipeline, golden)
    if not all(is_same(predicted[name], expected[name]) for name in expected):
        sys.exit("The golden rows are predicted differently; install the versions in requirements.txt.")
    sys.stderr.write(f"{manifest['model']}: all files and {len(golden)} golden rows are as exported.\n")
    for path in rows:
        for value in predict(pipeline, read_rows(Path(path), manifest["features"]))["predictions"]:
            sys.stdout.write(f"{value}\n")


if __name__ == "__main__":
    main(Path(__file__).resolve().parent, sys.argv[1:])
