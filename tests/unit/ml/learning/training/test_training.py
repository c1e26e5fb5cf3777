"""The training pipeline, from a file to a saved model."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.tables import DATA

from kit.errors import from_document
from ml_service.learning import tables
from ml_service.learning.model_types import MODEL_TYPES
from ml_service.learning.tables import UploadChanged, UploadMissing
from ml_service.learning.tasks import as_document
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.errors import FitTooLarge, MissingLabels, ModelTooLarge
from ml_service.learning.training.pipeline import Requirements, train

PENGUINS = DATA / "penguins.csv"
SPEC = TrainingSpec("logistic", ("bill_length_mm", "island", "year"), "species")


def test_stages_are_reported_in_order(tmp_path: Path) -> None:
    stages: list[str] = []
    train(PENGUINS, SPEC, tmp_path / "model", stages.append)
    assert stages == ["reading", "preparing", "fitting", "scoring", "saving"]


def test_result_is_json_with_the_digest_of_each_file(tmp_path: Path) -> None:
    answer = as_document(lambda: train(PENGUINS, SPEC, tmp_path / "model").to_json())
    result = json.loads(json.dumps(answer, allow_nan=False))["result"]
    assert result["files"]["predictor.npz"].pop("sizes")["loaded"] > 0
    written = {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in (tmp_path / "model").iterdir()
    }
    assert result["files"] == written
    assert set(written) == {"model.json", "predictor.npz", "pipeline.joblib", "report.json"}


def test_result_describes_each_feature_with_an_example(tmp_path: Path) -> None:
    result = train(PENGUINS, SPEC, tmp_path / "model")
    assert result.features == [
        {"name": "bill_length_mm", "kind": "number", "type": "number", "missing": 2, "example": 39.1}
        | {"minimum": 32.1, "maximum": 59.6, "whole": False},
        {"name": "island", "kind": "text", "type": "text", "missing": 0, "example": "Torgersen"}
        | {"categories": ["Biscoe", "Dream", "Torgersen"]},
        {"name": "year", "kind": "number", "type": "whole", "missing": 0, "example": 2007}
        | {"minimum": 2007, "maximum": 2009, "whole": True},
    ]
    assert result.example == {"features": {"bill_length_mm": 39.1, "island": "Torgersen", "year": 2007}}
    assert result.classes == ["Adelie", "Chinstrap", "Gentoo"]


def test_same_spec_gives_the_same_metrics(tmp_path: Path) -> None:
    spec = TrainingSpec("random_forest", SPEC.features, SPEC.label, {"n_estimators": 5})
    first, second = (train(PENGUINS, spec, tmp_path / name) for name in ("one", "two"))
    assert first.metrics == second.metrics


def test_training_on_a_copy_equals_one_on_its_file(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(PENGUINS.read_bytes())
    parsed = train(path, SPEC, tmp_path / "parsed")
    tables.write_copy(tables.read_table(path), tables.copy_of(path), path.stat().st_size)
    path.write_text("no table")
    copied = train(path, SPEC, tmp_path / "copied")
    assert replace(copied, files={}) == replace(parsed, files={})
    assert copied.files["predictor.npz"] == parsed.files["predictor.npz"]


def test_refusal_is_sent_as_a_plain_document(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n3\n")
    spec = TrainingSpec("linear", ("a",), "b")
    answer = as_document(lambda: train(path, spec, tmp_path / "model").to_json())
    assert json.loads(json.dumps(answer)) == answer
    error = from_document(answer["error"])
    assert (error.code, error.members) == ("csv_too_few_fields", {"line": 3, "column": "b"})
    assert not (tmp_path / "model").exists()


def test_missing_labels_are_refused_with_their_count(tmp_path: Path) -> None:
    spec = TrainingSpec("linear", ("Horsepower",), "Miles_per_Gallon")
    with pytest.raises(MissingLabels) as caught:
        train(DATA / "cars.csv", spec, tmp_path / "model")
    assert caught.value.members == {"column": "Miles_per_Gallon", "count": 8}


def test_gradient_boosting_learns_from_thirty_rows(tmp_path: Path) -> None:
    """With scikit-learn's leaves of 20 rows it would always predict the mean."""
    rows = [f"{number},{number % 3},{10 if number < 15 else 40}.5" for number in range(30)]
    (tmp_path / "table.csv").write_text("\n".join(["a,b,y", *rows, ""]))
    spec = TrainingSpec("gradient_boosting", ("a", "b"), "y", task="regression")
    result = train(tmp_path / "table.csv", spec, tmp_path / "model")
    assert (result.metrics["r2_score"] or 0) > 0.8
    assert result.params["min_samples_leaf"] == 5


def test_gradient_boosting_of_many_rows_is_that_of_twenty_rows_in_a_leaf(tmp_path: Path) -> None:
    default, explicit = (
        train(
            DATA / "diabetes.csv",
            TrainingSpec("gradient_boosting", ("bmi", "bp"), "target", params),
            tmp_path / name,
        )
        for name, params in (("default", {}), ("explicit", {"min_samples_leaf": 20}))
    )
    assert default.metrics == explicit.metrics
    assert default.params == explicit.params


def test_fit_stops_when_the_worker_would_be_killed_for_the_model(tmp_path: Path) -> None:
    spec = TrainingSpec("random_forest", SPEC.features, SPEC.label)
    with pytest.raises(FitTooLarge) as caught:
        train(PENGUINS, spec, tmp_path / "model", required=Requirements(worker_bytes=50_000_000))
    assert caught.value.members["limit"] == 50_000_000
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("model_type", ["random_forest", "knn"])
def test_model_with_more_memory_than_the_limit_is_refused_with_its_estimate(
    model_type: str, tmp_path: Path
) -> None:
    spec = TrainingSpec(model_type, SPEC.features, SPEC.label)
    with pytest.raises(ModelTooLarge) as caught:
        train(PENGUINS, spec, tmp_path / "model", required=Requirements(max_model_bytes=4_000))
    assert caught.value.status == 422
    assert caught.value.members["limit"] == 4_000
    assert int(str(caught.value.members["estimate"])) > 4_000
    assert "fewer" in str(caught.value)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("with_copy", [False, True])
def test_table_with_another_digest_is_not_trained_on(with_copy: bool, tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(PENGUINS.read_bytes())
    sha256 = hashlib.sha256(path.read_bytes()).digest()
    required = Requirements(sha256=sha256)
    if with_copy:
        tables.write_copy(tables.read_table(path), tables.copy_of(path), path.stat().st_size, sha256=sha256)
    result = train(path, SPEC, tmp_path / "first", required=required)
    report = json.loads((tmp_path / "first" / "report.json").read_text())
    assert (result.rows, report["recipe"]["data_sha256"]) == (344, sha256.hex())
    path.write_bytes(PENGUINS.read_bytes().replace(b"39.1", b"-39."))
    with pytest.raises(UploadChanged):
        train(path, SPEC, tmp_path / "second", required=required)
    path.unlink()
    with pytest.raises(UploadMissing):
        train(path, SPEC, tmp_path / "third", required=required)


def test_copy_of_another_file_is_not_trained_on(tmp_path: Path) -> None:
    path, other = tmp_path / "table", tmp_path / "other"
    path.write_bytes(PENGUINS.read_bytes())
    other.write_bytes(PENGUINS.read_bytes().replace(b"2007", b"1999"))
    sha256, sha256_of_other = (hashlib.sha256(each.read_bytes()).digest() for each in (path, other))
    tables.write_copy(tables.read_table(other), tables.copy_of(path), 1 << 30, sha256=sha256_of_other)
    result = train(path, SPEC, tmp_path / "model", required=Requirements(sha256=sha256))
    assert result.features[2]["minimum"] == 2007


def test_failure_of_a_changed_table_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_bytes(PENGUINS.read_bytes())
    required = Requirements(sha256=bytes(32))
    answer = as_document(lambda: train(path, SPEC, tmp_path / "model", required=required).to_json())
    assert (answer["error"]["status"], answer["error"]["code"]) == (409, "upload_changed")


def test_existing_folder_is_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        train(PENGUINS, SPEC, tmp_path)


def test_solver_that_does_not_converge_gives_a_warning(tmp_path: Path) -> None:
    spec = TrainingSpec("logistic", SPEC.features, SPEC.label, {"max_iter": 1})
    assert "max_iter" in train(PENGUINS, spec, tmp_path / "model").warnings[0]


@pytest.mark.parametrize("model_type", sorted(MODEL_TYPES))
def test_each_model_type_trains_on_ten_rows(model_type: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "x,colour,y\n" + "".join(f"{n},{'red' if n % 2 else 'blue'},{n % 2}\n" for n in range(10))
    )
    result = train(path, TrainingSpec(model_type, ("x", "colour"), "y"), tmp_path / "model")
    assert {"r2_score", "mean_squared_error", "mean_absolute_error"} <= set(result.metrics)


def test_feature_without_values_in_the_training_set_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    spec = TrainingSpec("linear", ("x", "text", "number", "day"), "y")
    for row in range(10):
        lines = [f"{n},{'a,1,2020-01-01' if n == row else ',,'},{n * 2}" for n in range(10)]
        path.write_text("x,text,number,day,y\n" + "\n".join(lines) + "\n")
        result = train(path, spec, tmp_path / f"model{row}")
        assert result.metrics["r2_score"] is not None
