"""Check a bundle by its golden rows, or predict rows of your own, without any service:

pip install -r requirements.txt
python score.py                 checks every file's SHA-256, then the golden rows
python score.py rows.csv        the same, then writes a prediction for each row
python score.py --key KEY       checks the signature, too; README.md says where the key is published
python score.py --bundle FOLDER checks another bundle than the one in which this script lies
"""

import argparse
import base64
import hashlib
import json
import math
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pandas as pd
from skops import io as skops
from skops.io.exceptions import UntrustedTypesFoundException

DATES = "ml_service.learning.predictors.dates"
# Of dates.py, the only other code in a bundle.
DATES_SHA256 = "0cf6de08f1d75a7d3f1cf88ca2a78cb7a1efaa71190099a521b37fe760d59b98"
# The types of all models beside those that skops knows. A list in the bundle could name any type.
TRUSTED_TYPES = (
    f"{DATES}.DateParts",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
)
MANIFEST, SIGNATURE, PIPELINE = "MANIFEST.json", "MANIFEST.sig", "pipeline.skops"
NEEDED_FILES = {PIPELINE, "golden.csv", "expected.json"}
TOLERANCE = 1e-9

Json = dict[str, Any]  # Any: decoded JSON


def main(arguments: list[str]) -> None:
    options = read_options(arguments)
    folder: Path = options.bundle
    try:
        manifest = check_files(folder, options.key)
        pipeline = load_pipeline(folder)
        golden = read_rows(folder / "golden.csv", manifest["features"])
        expected: Json = json.loads((folder / "expected.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        refuse(f"The bundle cannot be read ({type(error).__name__}); export the model again.")
    predicted = predict(pipeline, golden)
    if not all(is_same(predicted.get(name), expected[name]) for name in expected):
        refuse("The golden rows are predicted differently; install the versions in requirements.txt.")
    sys.stderr.write(f"{manifest['model']}: all files and {len(golden)} golden rows are as exported.\n")
    for path in options.rows:
        for value in predict(pipeline, read_own_rows(path, manifest["features"]))["predictions"]:
            sys.stdout.write(f"{value}\n")


def read_options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Check a bundle, and predict rows.")
    parser.add_argument("rows", nargs="*", type=Path, help="CSV files to predict")
    parser.add_argument("--key", help="the public key of the installation that exported the bundle")
    parser.add_argument("--bundle", type=Path, default=Path(__file__).resolve().parent, help="another folder")
    return parser.parse_args(arguments)


def check_files(folder: Path, key: str | None) -> Json:
    """The manifest; exits unless every file in it is the one that was exported."""
    content = (folder / MANIFEST).read_bytes()
    if key is not None:
        check_signature(content, (folder / SIGNATURE).read_text("ascii"), key)
    manifest: Json = json.loads(content)
    files: Mapping[str, str] = manifest["files"]
    if not files.keys() >= NEEDED_FILES:
        refuse("The manifest does not list all files of a bundle.")
    for name, expected in files.items():
        if Path(name).name != name or digest_of(folder / name) != expected:
            refuse(f"{name} is not the file that was exported.")
    return manifest


def check_signature(content: bytes, signature: str, key: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(base64.b64decode(signature), content)
    except InvalidSignature:
        refuse("The manifest was not signed with this key: the bundle was changed, or comes from elsewhere.")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_pipeline(folder: Path) -> Any:  # Any: a scikit-learn pipeline
    if (folder / "dates.py").exists():
        if digest_of(folder / "dates.py") != DATES_SHA256:
            refuse("dates.py is not the file that belongs to this script.")
        # The pipeline refers to its step for dates by its module in the program that trained it.
        sys.path.insert(0, str(folder))
        packages = DATES.split(".")[:-1]
        for length in range(1, len(packages) + 1):
            name = ".".join(packages[:length])
            sys.modules[name] = ModuleType(name)
        sys.modules[DATES] = import_module("dates")
    try:
        return skops.load(folder / PIPELINE, trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException:
        refuse("The pipeline contains a type that no exported model has; it was not loaded.")


def read_own_rows(path: Path, kinds: Mapping[str, str]) -> pd.DataFrame:
    try:
        return read_rows(path, kinds)
    except KeyError as error:
        refuse(f"{path.name} has no column {error}; README.md says how rows are written.")
    except (OSError, ValueError) as error:
        refuse(f"{path.name} cannot be read: {error}; README.md says how rows are written.")


def read_rows(path: Path, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The model's columns, each converted to its type; an empty cell, and no other, is missing.

    Raises KeyError for a column that is missing, and ValueError for a cell of another type.
    """
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    columns: dict[str, pd.Series] = {}
    for name, kind in kinds.items():
        try:
            columns[name] = as_kind(pd.Series(frame[name]), kind)
        except ValueError as error:
            raise ValueError(f"column '{name}': {error}") from error
    return pd.DataFrame(columns)


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


def refuse(sentence: str) -> NoReturn:
    sys.exit(sentence)


if __name__ == "__main__":
    main(sys.argv[1:])
