"""Exported bundles, checked and run by a Python without Farebox."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from ml_service.exports.bundle import BundleTask, write_bundle
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[4] / "data"
# Runs a script as if this project were not installed.
ISOLATED = (
    "import runpy, sys; sys.modules['ml_service'] = None; sys.argv = sys.argv[1:];"
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
PENGUIN_FEATURES = ("island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex")
DIABETES_FEATURES = ("age", "bmi", "bp", "s5")


@pytest.fixture(scope="module")
def table_with_dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "dated.csv"
    days = pd.date_range("2020-01-01", periods=60)
    pd.DataFrame({"day": days.date, "x": np.arange(60) % 7, "y": np.arange(60) * 2.5}).to_csv(
        path, index=False
    )
    return path


def export(folder: Path, table: Path, spec: TrainingSpec) -> Path:
    """Train a model on this table and unpack its bundle."""
    result = train(table, spec, folder / "model")
    description = result.to_json()
    task = BundleTask(
        f"file://{folder}", "model", description.pop("files"), "1_model", "2026-01-31T12:00:00Z", description
    )
    write_bundle(task, "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as bundle:
        bundle.extractall(folder / "bundle")
    return folder / "bundle"


def score(bundle: Path, *rows: Path) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-I",
        "-W",
        "ignore",
        "-c",
        ISOLATED,
        str(bundle / "score.py"),
        *map(str, rows),
    ]
    return subprocess.run(command, cwd=bundle, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - this project's own script


def manifest_of(bundle: Path) -> dict[str, Any]:  # Any: decoded JSON
    return json.loads((bundle / "MANIFEST.json").read_text())


@pytest.fixture(scope="module")
def penguins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spec = TrainingSpec("logistic", PENGUIN_FEATURES, "species")
    return export(tmp_path_factory.mktemp("penguins"), DATA / "penguins.csv", spec)


def test_bundle_checks_its_golden_rows_and_predicts_others(penguins: Path) -> None:
    process = score(penguins, penguins / "golden.csv")
    assert process.returncode == 0, process.stderr
    assert "20 golden rows are as exported" in process.stderr
    expected = json.loads((penguins / "expected.json").read_text())
    assert process.stdout.split() == expected["predictions"]


def test_bundle_has_the_report_as_json_and_page(penguins: Path) -> None:
    assert json.loads((penguins / "report.json").read_text())["model"] == "1_model"
    assert (penguins / "report.html").read_text().startswith("<!doctype html>")


def test_changed_file_is_refused(penguins: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in penguins.iterdir():
        if file.is_file():
            (changed / file.name).write_bytes(file.read_bytes())
    (changed / "golden.csv").write_text((changed / "golden.csv").read_text() + "\n")
    process = score(changed)
    assert (process.returncode, "golden.csv is not the file" in process.stderr) == (1, True)


def test_onnx_model_predicts_the_same(penguins: Path) -> None:
    assert manifest_of(penguins)["onnx"] == {"included": True, "reason": None}
    golden = pd.read_csv(penguins / "golden.csv")
    session = onnxruntime.InferenceSession(penguins / "model.onnx")
    texts = {column.name for column in session.get_inputs() if column.type == "tensor(string)"}
    assert texts == {"island", "sex"}
    rows = {
        name: golden[[name]].fillna("").to_numpy(object)
        if name in texts
        else golden[[name]].to_numpy(np.float32)
        for name in PENGUIN_FEATURES
    }
    outputs = session.run(None, rows)
    expected = json.loads((penguins / "expected.json").read_text())
    assert list(outputs[0]) == expected["predictions"]
    assert np.allclose(outputs[1], expected["probabilities"], atol=1e-4)


def test_schema_lists_the_features(penguins: Path) -> None:
    schema = json.loads((penguins / "schema.json").read_text())
    assert schema["required"] == list(PENGUIN_FEATURES)
    assert schema["properties"]["bill_length_mm"]["type"] == ["number", "null"]


def test_bundle_with_dates_has_their_code_and_no_onnx(table_with_dates: Path, tmp_path: Path) -> None:
    bundle = export(tmp_path, table_with_dates, TrainingSpec("linear", ("day", "x"), "y"))
    assert manifest_of(bundle)["onnx"]["reason"] == "ONNX has no step for the parts of dates."
    process = score(bundle)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(
    ("model_type", "params"),
    [("knn", {}), ("random_forest", {"n_estimators": 5}), ("gradient_boosting", {"max_iter": 5})],
)
def test_every_model_type_can_be_exported(model_type: str, params: dict[str, Any], tmp_path: Path) -> None:
    spec = TrainingSpec(model_type, DIABETES_FEATURES, "target", params=params)
    bundle = export(tmp_path, DATA / "diabetes.csv", spec)
    process = score(bundle)
    assert process.returncode == 0, process.stderr
    onnx = manifest_of(bundle)["onnx"]
    assert onnx["included"] == (bundle / "model.onnx").exists() == (onnx["reason"] is None)
