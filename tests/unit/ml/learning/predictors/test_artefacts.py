"""Nothing is loaded before its bytes are known to be ours."""

import json
import pickle
from pathlib import Path

import pytest

from ml_service.learning import training
from ml_service.learning.predictors import ArtefactRefused, load, load_pipeline
from ml_service.learning.training import TrainingSpec

DATA = Path(__file__).parents[5] / "data"
FILES = ["model.json", "pipeline.joblib", "predictor.npz", "report.json"]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    spec = TrainingSpec("linear", ("bmi",), "target")
    return training.train(DATA / "diabetes.csv", spec, tmp_path / "model").files


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[type[Path.touch], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(name: str, files: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "model" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_refused(name: str, files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model" / name).unlink()
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_another_models_files_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    spec = TrainingSpec("linear", ("bp",), "target")
    training.train(DATA / "diabetes.csv", spec, tmp_path / "other")
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "other", files)


def test_a_list_that_leaves_a_file_out_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    del files["pipeline.joblib"]
    with pytest.raises(ArtefactRefused):
        load(tmp_path / "model", files)


def test_a_swapped_pickle_is_not_unpickled(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model" / "pipeline.joblib").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ArtefactRefused):
        load_pipeline(tmp_path / "model", files)
    assert not (tmp_path / "sprung").exists()


def test_the_document_says_what_the_model_is(files: dict[str, str], tmp_path: Path) -> None:
    document = json.loads((tmp_path / "model" / "model.json").read_text())
    assert (document["model_type"], document["label"], set(files)) == ("linear", "target", set(FILES))
