"""Compiled predictors: equality with their pipelines, encoding and refusals of requests."""

import json
import time
import tracemalloc
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.support.tables import DATA

from ml_service.learning import predictors
from ml_service.learning.model_types import get_model_type
from ml_service.learning.predictors import MOST_WARNINGS, PredictionOptions, Predictor
from ml_service.learning.predictors.calibration import Calibration
from ml_service.learning.predictors.encoding import Encoder, Encoding
from ml_service.learning.predictors.errors import (
    FeatureError,
    MissingFeature,
    PredictionTooLarge,
    UnknownFeature,
)
from ml_service.learning.tables import read_csv
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train

pytestmark = pytest.mark.slow

LABELS = {
    "penguins": ("species", "body_mass_g"),
    "cars": ("Origin", "Miles_per_Gallon"),
    "seattle-weather": ("weather", "temp_max"),
    "wine": ("target", "proline"),
    "diabetes": ("target",),
}
WITH_PROBABILITIES = PredictionOptions(probabilities=True)
CLASSES = {"species", "Origin", "weather"}
PARAMS: dict[str, dict[str, object]] = {
    "linear": {},
    "knn": {},
    "logistic": {},
    "random_forest": {"n_estimators": 20},
    "gradient_boosting": {"max_iter": 20},
}


def is_offered(table: str, label: str, model_type: str) -> bool:
    classifies = label in CLASSES or (table, label) == ("wine", "target")
    return model_type != ("linear" if classifies else "logistic")


CASES = [
    (table, label, model_type)
    for table, labels in LABELS.items()
    for label in labels
    for model_type in PARAMS
    if is_offered(table, label, model_type)
]


def as_request(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))


def train_predictor(
    table: str, label: str, model_type: str, folder: Path, **params: object
) -> tuple[Predictor, Any, pd.DataFrame]:
    path = DATA / f"{table}.csv"
    features = tuple(name for name in read_csv(path).header if name != label)
    spec = TrainingSpec(model_type, features, label, params or PARAMS[model_type], missing_label="drop")
    files = train(path, spec, folder / "model").files
    frame = pd.read_csv(path, usecols=features)[list(features)]
    for name in {"date", "Year"} & set(features):
        frame[name] = pd.to_datetime(frame[name])
    pipeline = predictors.load_pipeline(folder / "model", files)
    return predictors.load(folder / "model", files), pipeline, frame


@pytest.mark.parametrize(("table", "label", "model_type"), CASES)
def test_predictions_equal_those_of_the_pipeline(
    table: str, label: str, model_type: str, tmp_path: Path
) -> None:
    predictor, pipeline, frame = train_predictor(table, label, model_type, tmp_path)
    predictions = predictor.predict(
        as_request(frame), PredictionOptions(probabilities=bool(predictor.classes))
    )
    if predictor.classes:
        assert predictions.values == pipeline.predict(frame).tolist()
        np.testing.assert_allclose(
            predictions.probabilities, pipeline.predict_proba(frame), rtol=1e-9, atol=1e-9
        )
    else:
        np.testing.assert_allclose(predictions.values, pipeline.predict(frame), rtol=1e-9, atol=1e-9)


@cache
def penguins() -> Predictor:
    folder = Path(mkdtemp())
    spec = TrainingSpec("logistic", ("bill_length_mm", "island"), "species")
    return predictors.load(folder / "m", train(DATA / "penguins.csv", spec, folder / "m").files)


def predict(**features: object) -> predictors.Predictions:
    rows = [{"bill_length_mm": 39.1, "island": "Dream", **features}]
    return penguins().predict(rows, WITH_PROBABILITIES)


def test_null_and_markers_of_missing_cells_are_imputed_alike() -> None:
    empty = predict(bill_length_mm=None, island=None)
    assert predict(bill_length_mm="NA", island="").probabilities == empty.probabilities
    assert not empty.warnings


def test_unseen_category_counts_as_missing_with_a_warning() -> None:
    predictions = predict(island="Atlantis")
    assert predictions.probabilities == predict(island=None).probabilities
    assert [(each.row, each.feature) for each in predictions.warnings] == [(1, "island")]
    assert "Atlantis" not in predictions.warnings[0].detail


def test_number_may_be_sent_as_text() -> None:
    assert predict(bill_length_mm=" 39.1").probabilities == predict().probabilities


def test_order_of_features_does_not_matter() -> None:
    predictions = penguins().predict([{"island": "Dream", "bill_length_mm": 39.1}], WITH_PROBABILITIES)
    assert predictions.probabilities == predict().probabilities


def test_no_rows_give_no_predictions() -> None:
    assert penguins().predict([]).values == []


@pytest.mark.parametrize(
    "features",
    [
        {"bill_length_mm": "secret"},
        {"bill_length_mm": True},
        {"bill_length_mm": float("nan")},
        {"bill_length_mm": float("inf")},
        {"bill_length_mm": "1e999"},
        {"bill_length_mm": "infinity"},
        {"bill_length_mm": 1e31},
        {"bill_length_mm": 10**400},
        {"bill_length_mm": "9" * 5000},
        {"bill_length_mm": "1" * 100_000 + "x"},
        {"bill_length_mm": " " * 401},
        {"bill_length_mm": "1_0"},
        {"bill_length_mm": [1]},
        {"bill_length_mm": {}},
        {"island": 5},
        {"island": True},
        {"island": ["Dream"]},
        {"island": "D" * 32_769},
    ],
)
def test_cell_of_the_wrong_type_is_refused_with_its_feature(features: dict[str, object]) -> None:
    with pytest.raises(FeatureError) as caught:
        predict(**features)
    assert caught.value.members == {"feature": next(iter(features)), "row": 1}
    assert "secret" not in caught.value.detail


def test_missing_feature_is_named() -> None:
    with pytest.raises(MissingFeature, match="Row 2, 'island'"):
        penguins().predict([{"bill_length_mm": 1, "island": None}, {"bill_length_mm": 1}])


def test_unknown_feature_is_named() -> None:
    with pytest.raises(UnknownFeature, match="'wings'"):
        predict(wings=2)


def test_rows_of_a_wide_model_are_limited() -> None:
    """10,000 rows with 5,000 categories would take 400 MB."""
    arrays = {name: np.zeros(0) for name in ("fill", "mean", "scale")}
    categories = [f"c{number}" for number in range(5000)]
    encoder = Encoder(Encoding((), (), {"city": categories}), arrays)
    wide = Predictor(encoder, lambda rows: rows[:, 0], (), Calibration(np.zeros(1)))
    assert wide.most_rows == 2000
    with pytest.raises(PredictionTooLarge, match="at most 2000 rows"):
        wide.predict([{"city": "c1"}] * 2001)
    assert len(wide.predict([{"city": "c1"}] * 50).values) == 50


def test_warnings_beyond_the_limit_are_counted_only() -> None:
    rows = [{"bill_length_mm": 39.1, "island": "Atlantis"}] * 500
    predictions = penguins().predict(rows)
    assert (len(predictions.warnings), predictions.warning_count) == (MOST_WARNINGS, 500)
    assert predictions.warnings_to_json()[-1] == {
        "row": MOST_WARNINGS,
        "feature": "island",
        "detail": predictions.warnings[-1].detail,
    }


def test_rows_in_pieces_are_predicted_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"bill_length_mm": 30 + n / 10, "island": "Dream"} for n in range(100)]
    whole = penguins().predict(rows, WITH_PROBABILITIES)
    monkeypatch.setattr(penguins(), "_rows_at_once", 7)
    assert penguins().predict(rows, WITH_PROBABILITIES) == whole


def test_estimated_cost_grows_with_rows_and_model(tmp_path: Path) -> None:
    small, large = (
        train_predictor("diabetes", "target", "random_forest", tmp_path / str(trees), n_estimators=trees)[0]
        for trees in (5, 50)
    )
    assert 0 < small.estimate_seconds(1) < large.estimate_seconds(1) < 0.01
    assert large.estimate_seconds(10_000) > 1000 * large.estimate_seconds(1)
    assert large.memory_bytes > 5 * small.memory_bytes > 0
    assert large.request_bytes(1000) > 1000 * large.width * 8


def test_cost_of_neighbours_grows_with_the_stored_cells(tmp_path: Path) -> None:
    """A row far from all others is compared with each of them."""
    predictor = train_predictor("diabetes", "target", "knn", tmp_path)[0]
    rows = [dict.fromkeys(predictor.kinds, 1e30)] * 100
    started = time.perf_counter()
    predictor.predict(rows)
    assert time.perf_counter() - started < 100 * predictor.estimate_seconds(100)
    stored = int(0.8 * 442) * predictor.width
    assert predictor.estimate_seconds(1) > stored * 3e-9


def test_many_neighbours_of_many_rows_take_little_memory() -> None:
    """One-hot labels of 1,000 neighbours of 2,000 rows would take 1.6 GB."""
    random = np.random.default_rng(0)
    arrays = {
        "rows": random.normal(size=(2000, 2)),
        "targets": random.integers(0, 100, 2000),
        "classes": np.arange(100),
        "neighbours": np.array(1000),
        "nearer_counts_more": np.array(False),
    }
    score = get_model_type("knn").scorer(arrays, "classification")
    tracemalloc.start()
    shares = score(random.normal(size=(2000, 2)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000_000
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@pytest.fixture
def by_date(tmp_path: Path) -> Predictor:
    spec = TrainingSpec("linear", ("date",), "temp_max")
    files = train(DATA / "seattle-weather.csv", spec, tmp_path / "m").files
    return predictors.load(tmp_path / "m", files)


def test_dates_with_a_zone_are_converted_to_utc(by_date: Predictor) -> None:
    zoned, plain = by_date.predict([{"date": "2015-06-01T01:00:00+01:00"}, {"date": "2015-06-01"}]).values
    assert zoned == plain


@pytest.mark.parametrize("cell", ["June", "2015-02-30", 20150601, True, "0001-01-01T00:00:00+14:00"])
def test_invalid_date_is_refused(cell: object, by_date: Predictor) -> None:
    with pytest.raises(FeatureError, match="date such as"):
        by_date.predict([{"date": cell}])


def test_true_and_false_match_categories_of_that_name(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "open,visits\n" + "".join(f"{'True' if n % 2 else 'False'},{n % 2 * 5 + 1}\n" for n in range(20))
    )
    files = train(path, TrainingSpec("linear", ("open",), "visits"), tmp_path / "m").files
    predictions = predictors.load(tmp_path / "m", files).predict([{"open": True}, {"open": "False"}])
    assert predictions.values == pytest.approx([6, 1])


def test_integer_classes_are_predicted_as_integers(tmp_path: Path) -> None:
    spec = TrainingSpec("knn", ("bill_length_mm",), "year")
    files = train(DATA / "penguins.csv", spec, tmp_path / "m").files
    value = predictors.load(tmp_path / "m", files).predict([{"bill_length_mm": 39.1}]).values[0]
    assert type(value) is int
