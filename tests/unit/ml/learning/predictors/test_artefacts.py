"""Files of a model: refused once changed, loaded under former module paths."""

import contextlib
import hashlib
import io
import json
import os
import pickle
import socket
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from skops import io as skops
from tests.support.tables import DATA

from ml_service.learning.predictors import (
    ArtefactRefused,
    PredictionOptions,
    load,
    load_pipeline,
    read_report,
)
from ml_service.learning.predictors.arrays import read_arrays
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

# A linear model of weather, stored when the path of `DateParts` was `ml_service.training.dates`.
STORED = Path(__file__).parent / "stored_model"
# Models whose pipelines were stored whole, and whose forests were stored as treelite serializes them.
FORMAT_2 = Path(__file__).parent / "stored_models"
FILES = ["model.json", "pipeline.joblib", "predictor.npz", "report.json"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    spec = TrainingSpec("linear", ("bmi",), "target")
    return train(DATA / "diabetes.csv", spec, tmp_path / "model").files


class Trap:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[type[Path.touch], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", FILES)
def test_changed_file_is_refused(name: str, files: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused(name: str, files: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "model" / name).unlink()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "socket", "grown", "cut", "empty"])
def test_anything_but_the_recorded_file_is_refused_at_once(
    name: str, kind: str, files: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "model" / name
    if kind == "grown":
        with path.open("ab") as file:
            file.truncate(3 << 30)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.rename(tmp_path / "original")
        replace(path, kind, tmp_path / "original")
    started = time.perf_counter()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)
    with pytest.raises(ArtefactRefused):
        read_report(tmp_path / "model", files)
    assert time.perf_counter() - started < 1


def replace(path: Path, kind: str, original: Path) -> None:
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(original)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(path.parent):
                listener.bind(path.name)
        case _:
            path.touch()


def test_files_of_an_older_version_have_no_sizes(files: dict[str, Any], tmp_path: Path) -> None:
    digests = {name: recorded["sha256"] for name, recorded in files.items()}
    assert load(tmp_path / "model", digests).predict([{"bmi": 20}]).values
    with (tmp_path / "model" / "predictor.npz").open("ab") as file:
        file.truncate(3 << 30)
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", digests)


def test_arrays_are_read_without_copies() -> None:
    """Bytes of trees are a view of the file's content; numbers are copied if they are not aligned."""
    file = io.BytesIO()
    trees, numbers = np.arange(256, dtype=np.uint8), np.arange(12.0).reshape(3, 4)
    np.savez(
        file, **{"model.trees": trees, "model.numbers": numbers, "model.columns": np.asfortranarray(numbers)}
    )
    content = file.getvalue()
    arrays = read_arrays(content)
    assert np.shares_memory(arrays["model.trees"], np.frombuffer(content, np.uint8))
    assert arrays["model.trees"].tolist() == trees.tolist()
    for name in ("model.numbers", "model.columns"):
        assert arrays[name].tolist() == numbers.tolist()
        assert arrays[name].flags.aligned


def test_pickled_array_is_refused() -> None:
    file = io.BytesIO()
    np.savez(file, **{"model.trees": np.array([object()])})
    with pytest.raises(ArtefactRefused):
        read_arrays(file.getvalue())


def test_files_of_another_model_are_refused(files: dict[str, Any], tmp_path: Path) -> None:
    spec = TrainingSpec("linear", ("bp",), "target")
    train(DATA / "diabetes.csv", spec, tmp_path / "other")
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "other", files)


def test_incomplete_list_of_files_is_refused(files: dict[str, Any], tmp_path: Path) -> None:
    del files["pipeline.joblib"]
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_replaced_pickle_is_not_unpickled(files: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "model" / "pipeline.joblib").write_bytes(pickle.dumps(Trap(tmp_path / "unpickled")))
    with pytest.raises(ArtefactRefused):
        load_pipeline(tmp_path / "model", files)
    assert not (tmp_path / "unpickled").exists()


def test_document_describes_the_model(files: dict[str, Any], tmp_path: Path) -> None:
    document = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (document["model_type"], document["label"], set(files)) == ("linear", "target", set(FILES))


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("forest_of_values", {"bmi": 32.1, "bp": 101.0}, 212.62350247202707),
        ("forest_of_classes", {"bill_length_mm": 39.1, "sex": "male"}, "Adelie"),
        ("knn_of_classes", {"alcohol": 14.23, "hue": 1.04}, "barolo"),
    ],
)
def test_model_of_format_2_predicts_and_exports(
    name: str, row: dict[str, Any], expected: str | float
) -> None:
    folder = FORMAT_2 / name
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    predictor = load(folder, files)
    assert predictor.predict([row]).values == [expected]
    # More rows than are scored at once by single trees.
    assert predictor.predict([row] * 300).values == [expected] * 300
    assert load_pipeline(folder, files).predict(pd.DataFrame([row])).tolist() == [expected]


def test_model_of_an_unknown_format_is_refused(files: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model" / "model.json"
    document = json.loads(path.read_text()) | {"format": 4}
    path.write_text(json.dumps(document))
    files["model.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_model_stored_under_the_former_module_path_predicts_and_exports() -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in STORED.iterdir()}
    assert b"ml_service.training.dates" in (STORED / "pipeline.joblib").read_bytes()
    rows = [
        {"date": "2012-01-02", "precipitation": 10.9, "wind": 4.5, "weather": "rain"},
        {"date": "2012-02-09", "precipitation": 2.5, "wind": 2.4, "weather": "rain"},
    ]
    expected = [4.460639006862191, 9.757419317378233]
    stored = load(STORED, files).predict(rows, PredictionOptions(coverage=0.9))
    assert stored.values == pytest.approx(expected)
    widths = [high - low for low, high in stored.intervals or []]
    assert widths == pytest.approx([widths[0]] * 2)
    pipeline = load_pipeline(STORED, files)
    frame = pd.DataFrame(rows).assign(date=lambda table: pd.to_datetime(table["date"]))
    assert pipeline.predict(frame).tolist() == pytest.approx(expected)
    exported = skops.get_untrusted_types(data=skops.dumps(pipeline))
    assert "ml_service.learning.predictors.dates.DateParts" in exported
    assert "ml_service.training.dates.DateParts" not in exported
