"""Exported bundles, checked and run by a Python without Farebox."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from skops import io as skops

from ml_service.exports.bundle import BundleTask, write_bundle
from ml_service.exports.score import DATES_SHA256, TRUSTED_TYPES
from ml_service.exports.signing import derive_signing_key, public_key_of
from ml_service.learning.model_types import MODEL_TYPES
from ml_service.learning.predictors import dates, load_pipeline
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

SIGNING_KEY = derive_signing_key(b"a secret of thirty-two characters")
LABELS = {"y": "regression", "class": "classification", "text": "classification"}

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
    columns = {"day": days.date, "x": np.arange(60) % 7, "y": np.arange(60) * 2.5}
    texts = {"text": ["a", "b", "c"] * 20, "class": ["no", "yes"] * 30}
    pd.DataFrame({**columns, **texts}).to_csv(path, index=False)
    return path


def export(folder: Path, table: Path, spec: TrainingSpec) -> Path:
    """Train a model on this table and unpack its bundle."""
    result = train(table, spec, folder / "model")
    description = result.to_json()
    task = BundleTask(
        f"file://{folder}",
        "model",
        description.pop("files"),
        "1_model",
        "2026-01-31T12:00:00Z",
        description,
        SIGNING_KEY,
    )
    write_bundle(task, "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as bundle:
        bundle.extractall(folder / "bundle")
    return folder / "bundle"


def score(bundle: Path, *rows: Path | str) -> "subprocess.CompletedProcess[str]":
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


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("bill_depth_mm", "depth", "rows.csv has no column 'bill_depth_mm'"),
        ("18.7", "18.7 mm", "rows.csv cannot be read: column 'bill_depth_mm'"),
    ],
)
def test_unusable_rows_are_refused_with_a_sentence(
    penguins: Path, tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    lines = (DATA / "penguins.csv").read_text().splitlines()[:3]
    (tmp_path / "rows.csv").write_text("\n".join(lines).replace(old, new))
    process = score(penguins, tmp_path / "rows.csv")
    assert (process.returncode, process.stdout) == (1, "")
    assert sentence in process.stderr


def test_words_for_missing_are_categories_in_a_bundle(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("cut,price\n" + "None,10\nfair,90\n" * 60)
    bundle = export(tmp_path, table, TrainingSpec("linear", ("cut",), "price"))
    process = score(bundle, table)
    assert process.returncode == 0, process.stderr
    assert [round(float(line)) for line in process.stdout.split()[:2]] == [10, 90]


def test_bundle_has_the_report_as_json_and_page(penguins: Path) -> None:
    assert json.loads((penguins / "report.json").read_text())["model"] == "1_model"
    assert (penguins / "report.html").read_text().startswith("<!doctype html>")


def copy_of(bundle: Path, folder: Path) -> Path:
    changed = folder / "changed"
    changed.mkdir()
    for file in bundle.iterdir():
        if file.is_file():
            (changed / file.name).write_bytes(file.read_bytes())
    return changed


def rewrite_manifest(bundle: Path, **members: object) -> None:
    """List the files as they are now, as an attacker can."""
    manifest = manifest_of(bundle)
    files = {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in manifest["files"]}
    (bundle / "MANIFEST.json").write_text(json.dumps({**manifest, "files": files, **members}))


def test_changed_file_is_refused(penguins: Path, tmp_path: Path) -> None:
    changed = copy_of(penguins, tmp_path)
    (changed / "golden.csv").write_text((changed / "golden.csv").read_text() + "\n")
    process = score(changed)
    assert (process.returncode, "golden.csv is not the file" in process.stderr) == (1, True)


def test_signature_of_the_installation_is_accepted(penguins: Path) -> None:
    process = score(penguins, "--key", public_key_of(SIGNING_KEY))
    assert process.returncode == 0, process.stderr


def test_rewritten_manifest_is_refused_with_the_key(penguins: Path, tmp_path: Path) -> None:
    changed = copy_of(penguins, tmp_path)
    rewrite_manifest(changed, label="other")
    assert score(changed).returncode == 0
    process = score(changed, "--key", public_key_of(SIGNING_KEY))
    assert (process.returncode, "was not signed with this key" in process.stderr) == (1, True)
    process = score(penguins, "--key", public_key_of(bytes(32)))
    assert (process.returncode, "was not signed with this key" in process.stderr) == (1, True)


def test_type_that_only_the_bundle_trusts_is_not_loaded(penguins: Path, tmp_path: Path) -> None:
    changed = copy_of(penguins, tmp_path)
    skops.dump(Popen, changed / "pipeline.skops")
    rewrite_manifest(changed, trusted_types=["subprocess.Popen"])
    process = score(changed)
    assert (process.returncode, "contains a type that no exported model has" in process.stderr) == (1, True)


@pytest.mark.parametrize("omitted", ["pipeline.skops", "golden.csv"])
def test_manifest_that_omits_a_file_is_refused(penguins: Path, omitted: str, tmp_path: Path) -> None:
    changed = copy_of(penguins, tmp_path)
    files = manifest_of(changed)["files"]
    del files[omitted]
    rewrite_manifest(changed, files=files)
    process = score(changed)
    assert (process.returncode, "does not list all files" in process.stderr) == (1, True)


def test_changed_code_for_dates_is_not_run(table_with_dates: Path, tmp_path: Path) -> None:
    bundle = export(tmp_path, table_with_dates, TrainingSpec("linear", ("day", "x"), "y"))
    changed = copy_of(bundle, tmp_path)
    with (changed / "dates.py").open("a") as code:
        code.write("\nraise SystemExit(3)\n")
    rewrite_manifest(changed)
    process = score(bundle, "--bundle", str(changed))
    assert (process.returncode, "dates.py is not the file" in process.stderr) == (1, True)


def test_script_knows_the_code_for_dates() -> None:
    assert hashlib.sha256(Path(dates.__file__).read_bytes()).hexdigest() == DATES_SHA256


def test_damaged_bundle_is_refused_with_a_sentence(penguins: Path, tmp_path: Path) -> None:
    changed = copy_of(penguins, tmp_path)
    (changed / "MANIFEST.json").write_text("{")
    process = score(changed)
    assert process.returncode == 1
    assert process.stderr == "The bundle cannot be read (JSONDecodeError); export the model again.\n"


@pytest.mark.parametrize("model_type", sorted(MODEL_TYPES))
def test_types_of_every_model_are_trusted_by_the_script(
    model_type: str, table_with_dates: Path, tmp_path: Path
) -> None:
    labels = [label for label, task in LABELS.items() if task in MODEL_TYPES[model_type].tasks]
    for label in labels:
        spec = TrainingSpec(model_type, ("day", "x") if label == "text" else ("day", "x", "text"), label)
        files = train(table_with_dates, spec, tmp_path / label).files
        pipeline = skops.dumps(load_pipeline(tmp_path / label, files))
        assert set(skops.get_untrusted_types(data=pipeline)) <= set(TRUSTED_TYPES)


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
