"""Files of a model: refused once changed, loaded under former module paths."""

import hashlib
import json
import pickle
from pathlib import Path

import pandas as pd
import pytest
from skops import io as skops
from tests.support.tables import DATA

from ml_service.learning.predictors import ArtefactRefused, load, load_pipeline
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

# A linear model of weather, stored when the path of `DateParts` was `ml_service.training.dates`.
STORED = Path(__file__).parent / "stored_model"
FILES = ["model.json", "pipeline.joblib", "predictor.npz", "report.json"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    spec = TrainingSpec("linear", ("bmi",), "target")
    return train(DATA / "diabetes.csv", spec, tmp_path / "model").files


class Trap:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[type[Path.touch], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", FILES)
def test_changed_file_is_refused(name: str, files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


@pytest.mark.parametrize("name", FILES)
def test_missing_file_is_refused(name: str, files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model" / name).unlink()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_files_of_another_model_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    spec = TrainingSpec("linear", ("bp",), "target")
    train(DATA / "diabetes.csv", spec, tmp_path / "other")
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "other", files)


def test_incomplete_list_of_files_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    del files["pipeline.joblib"]
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_replaced_pickle_is_not_unpickled(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model" / "pipeline.joblib").write_bytes(pickle.dumps(Trap(tmp_path / "unpickled")))
    with pytest.raises(ArtefactRefused):
        load_pipeline(tmp_path / "model", files)
    assert not (tmp_path / "unpickled").exists()


def test_document_describes_the_model(files: dict[str, str], tmp_path: Path) -> None:
    document = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (document["model_type"], document["label"], set(files)) == ("linear", "target", set(FILES))


def test_model_stored_under_the_former_module_path_predicts_and_exports() -> None:
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in STORED.iterdir()}
    assert b"ml_service.training.dates" in (STORED / "pipeline.joblib").read_bytes()
    rows = [
        {"date": "2012-01-02", "precipitation": 10.9, "wind": 4.5, "weather": "rain"},
        {"date": "2012-02-09", "precipitation": 2.5, "wind": 2.4, "weather": "rain"},
    ]
    expected = [4.460639006862191, 9.757419317378233]
    assert load(STORED, files).predict(rows).values == pytest.approx(expected)
    pipeline = load_pipeline(STORED, files)
    frame = pd.DataFrame(rows).assign(date=lambda table: pd.to_datetime(table["date"]))
    assert pipeline.predict(frame).tolist() == pytest.approx(expected)
    exported = skops.get_untrusted_types(data=skops.dumps(pipeline))
    assert "ml_service.learning.predictors.dates.DateParts" in exported
    assert "ml_service.training.dates.DateParts" not in exported
