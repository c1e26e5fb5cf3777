"""Intervals and label sets: their coverage, and the limits of the calibration set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from tests.support.tables import DATA

from ml_service.learning import predictors
from ml_service.learning.model_types.protocol import Matrix
from ml_service.learning.predictors import PredictionOptions, Predictor
from ml_service.learning.predictors.calibration import (
    SAME_WIDTH,
    Calibration,
    IntervalShape,
    measure_shape,
    nonconformity,
    residuals,
)
from ml_service.learning.predictors.errors import CoverageTooHigh, NoProbabilities
from ml_service.learning.reports.partial_fits import TrainingSet, interval_shape
from ml_service.learning.tables import Table, read_csv
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.compilation import compile_pipeline
from ml_service.learning.training.pipeline import fit, prepare, train
from ml_service.learning.training.preparation import split

pytestmark = pytest.mark.slow

PENGUINS = DATA / "penguins.csv"
REPEATS = 10
CASES: list[tuple[str, str, str, dict[str, object]]] = [
    ("penguins", "species", "logistic", {}),
    ("penguins", "species", "knn", {}),
    ("penguins", "body_mass_g", "linear", {}),
    ("cars", "Origin", "gradient_boosting", {"max_iter": 20}),
    ("cars", "Miles_per_Gallon", "random_forest", {"n_estimators": 20}),
    ("seattle-weather", "weather", "knn", {}),
    ("seattle-weather", "temp_max", "linear", {}),
    ("wine", "target", "logistic", {}),
    ("wine", "proline", "gradient_boosting", {"max_iter": 20}),
    ("diabetes", "target", "linear", {}),
    ("diabetes", "target", "knn", {}),
]


def scores_of(table: Table, spec: TrainingSpec) -> Matrix:
    """Nonconformity scores of the test set."""
    data = split(table, spec)
    preparation, rows = prepare(data.training, data, spec)
    task, labels = data.plan.task, data.training.labels
    estimator, _ = fit(spec, task, rows, labels)
    training = TrainingSet.of(rows, labels, lambda some, of: fit(spec, task, some, of)[0])
    shape = SAME_WIDTH if task == "classification" else interval_shape(training)
    pipeline = Pipeline([("preparation", preparation), ("model", estimator)])
    return compile_pipeline(spec.model_type, task, pipeline, data.test, shape).calibration.nonconformity


def covered(scores: Matrix, coverage: float, seed: int) -> float:
    """The coverage of one half of the scores by a calibration on the other half."""
    calibrating, tested = np.array_split(np.random.default_rng(seed).permutation(scores), 2)
    return float((tested <= Calibration(calibrating).limit(coverage)).mean())


@pytest.mark.parametrize(("table", "label", "model_type", "params"), CASES)
def test_measured_coverage_is_within_three_points_of_the_chosen_one(
    table: str, label: str, model_type: str, params: dict[str, object]
) -> None:
    read = read_csv(DATA / f"{table}.csv")
    features = tuple(name for name in read.header if name != label)
    measured: dict[float, list[float]] = {0.8: [], 0.9: []}
    for seed in range(REPEATS):
        spec = TrainingSpec(
            model_type, features, label, params, train_fraction=0.5, missing_label="drop", seed=seed
        )
        scores = scores_of(read, spec)
        for coverage, shares in measured.items():
            shares.extend(covered(scores, coverage, 100 * seed + split) for split in range(10))
    assert {coverage: np.mean(shares) for coverage, shares in measured.items()} == pytest.approx(
        {coverage: coverage for coverage in measured}, abs=0.03
    )


def train_predictor(label: str, model_type: str, folder: Path, **more: Any) -> Predictor:
    spec = TrainingSpec(model_type, ("bill_length_mm", "island"), label, missing_label="drop", **more)
    files = train(PENGUINS, spec, folder / "model").files
    return predictors.load(folder / "model", files)


ROWS = [{"bill_length_mm": 39.1 + n, "island": "Dream"} for n in range(5)]


def growing_table(path: Path, rows: int = 1500, shift: float = 0.0) -> Path:
    """A positive label whose errors grow with it, less a shift."""
    generator = np.random.default_rng(2)
    x = generator.uniform(1, 10, rows)
    y = 10 * x * np.exp(generator.normal(0, 0.3, rows)) - shift
    path.write_text("x,y\n" + "".join(f"{a:.4f},{b:.4f}\n" for a, b in zip(x, y, strict=True)))
    return path


def train_on(path: Path, model_type: str, folder: Path) -> Predictor:
    files = train(path, TrainingSpec(model_type, ("x",), "y"), folder).files
    return predictors.load(folder, files)


@pytest.mark.parametrize("model_type", ["linear", "knn", "random_forest", "gradient_boosting"])
def test_intervals_widen_where_errors_do_and_cover_large_labels_as_well_as_small_ones(
    model_type: str, tmp_path: Path
) -> None:
    predictor = train_on(growing_table(tmp_path / "t.csv"), model_type, tmp_path / "m")
    generator = np.random.default_rng(9)
    x = generator.uniform(1, 10, 3000)
    y = 10 * x * np.exp(generator.normal(0, 0.3, 3000))
    rows = [{"x": value} for value in x.tolist()]
    intervals = np.array(predictor.predict(rows, PredictionOptions(coverage=0.9)).intervals)
    covered = (intervals[:, 0] <= y) & (y <= intervals[:, 1])
    widths = intervals[:, 1] - intervals[:, 0]
    small, large = x < 3, x > 8
    assert widths[large].mean() > 2 * widths[small].mean()
    assert covered.mean() == pytest.approx(0.9, abs=0.04)
    assert min(covered[small].mean(), covered[large].mean()) > 0.78


def test_interval_ends_at_zero_if_no_label_is_negative(tmp_path: Path) -> None:
    predictor = train_on(growing_table(tmp_path / "t.csv"), "linear", tmp_path / "m")
    lows = [
        low for low, _ in predictor.predict([{"x": 0.5}], PredictionOptions(coverage=0.99)).intervals or []
    ]
    assert lows == [0.0]


def test_interval_passes_zero_if_a_label_does(tmp_path: Path) -> None:
    predictor = train_on(growing_table(tmp_path / "t.csv", shift=20), "linear", tmp_path / "m")
    (low, high), *_ = predictor.predict([{"x": 2}], PredictionOptions(coverage=0.9)).intervals or []
    assert low < 0 < high


def test_interval_of_a_prediction_below_zero_is_no_interval_of_impossible_labels() -> None:
    calibration = Calibration(np.ones(20), IntervalShape(np.zeros(1), np.ones(1), least=0.0))
    assert calibration.intervals(np.array([-5.0, 0.5]), 0.9) == [(0.0, 0.0), (0.0, 1.5)]


def test_models_of_an_older_version_have_equally_wide_intervals() -> None:
    calibration = Calibration.from_arrays({"scores": np.arange(1.0, 20.0)})
    assert calibration.intervals(np.array([0.0, 100.0]), 0.9) == [(-18.0, 18.0), (82.0, 118.0)]


def test_shape_survives_its_arrays() -> None:
    shape = IntervalShape(np.array([1.0, 2.0]), np.array([3.0, 5.0]), 0.0)
    read = Calibration.from_arrays({"scores": np.ones(20), **shape.to_arrays()})
    assert read.intervals(np.array([1.5, 9.0]), 0.9) == [(0.0, 5.5), (4.0, 14.0)]


def test_equal_predictions_have_one_expected_error() -> None:
    values = np.repeat([1.0, 2.0], 60)
    shape = measure_shape(values, values + np.where(values == 1, 1.0, 4.0))
    assert shape.predicted.tolist() == [1.0, 2.0]
    assert 1 < shape.errors[0] < 2 < shape.errors[1] < 4


@pytest.mark.parametrize("rows", [0, 10, 100])
def test_few_rows_and_perfect_fits_have_intervals_of_the_same_width(rows: int) -> None:
    values = np.arange(rows, dtype=float)
    assert measure_shape(values, values) is SAME_WIDTH


def test_higher_coverage_gives_wider_intervals_and_larger_sets(tmp_path: Path) -> None:
    numbers, classes = (
        train_predictor("body_mass_g", "linear", tmp_path / "a"),
        train_predictor("species", "knn", tmp_path / "b"),
    )
    narrow, wide = (
        (numbers.predict(ROWS, PredictionOptions(coverage=c)).intervals or [])[0] for c in (0.5, 0.95)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]
    few, many = (classes.predict(ROWS, PredictionOptions(coverage=c)).label_sets or [] for c in (0.5, 0.98))
    assert all(set(less) <= set(more) for less, more in zip(few, many, strict=True))
    assert few != many


def test_label_set_begins_with_the_prediction(tmp_path: Path) -> None:
    predictions = train_predictor("species", "logistic", tmp_path).predict(
        ROWS, PredictionOptions(coverage=0.98)
    )
    assert [labels[0] for labels in predictions.label_sets or []] == predictions.values


def test_extras_are_computed_only_on_request(tmp_path: Path) -> None:
    plain = train_predictor("species", "logistic", tmp_path).predict(ROWS)
    assert (plain.probabilities, plain.intervals, plain.label_sets) == (None, None, None)


def test_regression_model_has_no_probabilities(tmp_path: Path) -> None:
    with pytest.raises(NoProbabilities):
        train_predictor("body_mass_g", "linear", tmp_path).predict(
            ROWS, PredictionOptions(probabilities=True)
        )


def test_coverage_too_high_names_the_largest_possible(tmp_path: Path) -> None:
    predictor = train_predictor("species", "knn", tmp_path, train_fraction=0.98)  # 7 test rows
    with pytest.raises(CoverageTooHigh, match="on 7 rows") as caught:
        predictor.predict(ROWS, PredictionOptions(coverage=0.9))
    assert caught.value.members == {"largest": 0.87}
    assert predictor.predict(ROWS, PredictionOptions(coverage=0.87)).label_sets


def test_limit_is_the_next_larger_score_by_rank() -> None:
    calibration = Calibration(np.arange(1.0, 10.0))
    assert [calibration.limit(coverage) for coverage in (0.5, 0.55, 0.9)] == [5.0, 6.0, 9.0]


def test_ties_between_labels_are_broken_at_random_and_reproducibly() -> None:
    rows = np.arange(40.0).reshape(20, 2)
    scores = nonconformity(rows, np.full((20, 2), 0.5))
    assert len(set(scores.ravel().tolist())) == 40
    assert np.array_equal(scores, nonconformity(rows.copy(), np.full((20, 2), 0.5)))
    assert np.abs(scores - 0.5).max() < 1e-8


def test_residuals_are_absolute() -> None:
    assert residuals(np.array([1.0, 4.0]), np.array([3.0, 3.0])).tolist() == [2.0, 1.0]
