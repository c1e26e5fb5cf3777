"""Reports, compared with scikit-learn on the same rows."""

import json
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
from tests.support.evaluations import evaluation_of
from tests.support.tables import DATA

from ml_service.learning import predictors
from ml_service.learning.reports.curves import curves, residuals
from ml_service.learning.reports.report import complete_report
from ml_service.learning.tables import read_csv
from ml_service.learning.training import TrainingSpec, compilation
from ml_service.learning.training.pipeline import train

pytestmark = pytest.mark.slow

Json = dict[str, Any]  # Any: decoded JSON


@cache
def report(table: str, label: str, model_type: str) -> Json:
    folder = Path(mkdtemp())
    features = tuple(name for name in read_csv(DATA / f"{table}.csv").header if name != label)
    spec = TrainingSpec(model_type, features, label, missing_label="drop")
    files = train(DATA / f"{table}.csv", spec, folder / "m").files
    return predictors.read_report(folder / "m", files)


def penguins() -> Json:
    return report("penguins", "species", "logistic")


def diabetes() -> Json:
    return report("diabetes", "target", "linear")


@pytest.mark.parametrize("make_report", [penguins, diabetes])
def test_every_interval_contains_its_metric(make_report: Any) -> None:
    for metric in make_report()["metrics"]:
        assert metric["low"] <= metric["value"] <= metric["high"], metric


def test_confusion_matrix_agrees_with_the_accuracy() -> None:
    counts = np.array(penguins()["confusion_matrix"]["counts"])
    accuracy = next(metric["value"] for metric in penguins()["metrics"] if metric["name"] == "accuracy")
    assert np.trace(counts) / counts.sum() == pytest.approx(accuracy)
    assert counts.sum() == penguins()["recipe"]["test_rows"]


def test_each_class_has_its_curves() -> None:
    for kind in ("roc", "precision_recall", "calibration"):
        assert [curve["label"] for curve in penguins()[kind]] == ["Adelie", "Chinstrap", "Gentoo"]
    roc = penguins()["roc"][0]
    area = np.trapezoid(roc["true_positive_rate"], roc["false_positive_rate"])
    assert area == pytest.approx(roc["area"], abs=0.01)
    assert sum(penguins()["calibration"][0]["counts"]) == penguins()["recipe"]["test_rows"]


def test_bins_of_a_calibration_curve_hold_ten_rows_or_more() -> None:
    for curve in report("seattle-weather", "weather", "knn")["calibration"]:
        assert min(curve["counts"]) >= 10
        assert curve["predicted"] == sorted(curve["predicted"])
        for low, observed, high in zip(curve["low"], curve["observed"], curve["high"], strict=True):
            assert low <= observed <= high


def test_calibration_of_few_rows_is_one_bin() -> None:
    codes = np.arange(14) % 2
    drawn = curves(evaluation_of(codes, np.eye(2)[codes] * 0.8 + 0.1, [0, 1]))["calibration"]
    assert drawn is not None
    assert drawn[0]["counts"] == [14]
    assert drawn[0]["observed"] == drawn[0]["predicted"] == pytest.approx([0.5])


def test_probabilities_worse_than_guessing_are_a_finding_and_in_the_verdict() -> None:
    worse = report("seattle-weather", "weather", "knn")
    figures = next(metric for metric in worse["metrics"] if metric["name"] == "log_loss")
    assert figures["value"] > figures["baseline"]
    shown = f"log loss {figures['value']:.4g}, baseline {figures['baseline']:.4g}."
    assert worse["verdict"].endswith(f"Its probabilities are worse than guessing: {shown}")
    assert worse["findings"][0]["code"] == "probabilities_worse_than_guessing"


def test_probabilities_better_than_guessing_are_no_finding() -> None:
    assert "probabilities" not in penguins()["verdict"]
    assert not [each for each in penguins()["findings"] if each["code"].startswith("probabilities")]


def test_only_regression_has_residuals() -> None:
    assert sum(diabetes()["residuals"]["counts"]) == diabetes()["recipe"]["test_rows"]
    assert len(diabetes()["predicted_actual"]["actual"]) == diabetes()["recipe"]["test_rows"]
    assert diabetes()["confusion_matrix"] is diabetes()["roc"] is None
    assert penguins()["residuals"] is penguins()["predicted_actual"] is None


@pytest.mark.parametrize("off", [0.0, 1e-15, 5.0])
def test_perfect_fit_has_residuals(off: float) -> None:
    labels = np.linspace(1, 9, 40)
    scores = labels - off - np.where(np.arange(40) % 2, 1e-15, 0)
    histogram = residuals(evaluation_of(labels, scores))
    assert histogram is not None
    assert sum(histogram["counts"]) == 40


def test_importance_lists_all_features_in_descending_order() -> None:
    importance = penguins()["importance"]
    means = [entry["mean"] for entry in importance]
    assert {entry["feature"] for entry in importance} == set(penguins()["recipe"]["spec"]["features"])
    assert means == sorted(means, reverse=True)
    assert {entry["feature"] for entry in diabetes()["importance"][:4]} & {"bmi", "s5"}


def test_learning_curve_ends_with_the_models_score() -> None:
    curve = diabetes()["learning"]
    r2 = next(metric["value"] for metric in diabetes()["metrics"] if metric["name"] == "r2_score")
    assert curve["metric"] == "r2_score"
    assert curve["test_score"][-1] == pytest.approx(r2)
    assert curve["test_rows"] == diabetes()["recipe"]["test_rows"]
    training_rows = diabetes()["recipe"]["training_rows"]
    assert curve["training_rows"] == [training_rows // 4, training_rows // 2, training_rows]


def test_coverage_is_measured_on_rows_outside_the_calibration() -> None:
    intervals = report("seattle-weather", "temp_max", "linear")["intervals"]
    assert intervals["coverage_measured"] == pytest.approx(intervals["coverage_nominal"], abs=0.05)


def test_verdict_compares_with_the_baseline() -> None:
    assert penguins()["verdict"].startswith("Better than guessing: 9")


def test_report_lists_leakage(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,copy,y\n" + "".join(f"{n * 7919 % 13},{n % 2},{'ab'[n % 2]}\n" for n in range(80)))
    files = train(path, TrainingSpec("knn", ("x", "copy"), "y"), tmp_path / "m").files
    findings = predictors.read_report(tmp_path / "m", files)["findings"]
    assert ("leakage", "copy") in {(finding["code"], finding["column"]) for finding in findings}


def test_report_lists_a_score_that_is_too_good(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,noise,y\n" + "".join(f"{n},{n * 7919 % 13},{3 * n + 2}\n" for n in range(200)))
    files = train(path, TrainingSpec("linear", ("x", "noise"), "y"), tmp_path / "m").files
    findings = predictors.read_report(tmp_path / "m", files)["findings"]
    [finding] = [finding for finding in findings if finding["code"] == "too_good"]
    assert finding["severity"] == "serious"
    assert "'x', the most important one" in finding["advice"]


@pytest.mark.parametrize(("table", "label"), [("penguins", "body_mass_g"), ("diabetes", "target")])
def test_honest_score_is_not_too_good(table: str, label: str) -> None:
    findings = report(table, label, "gradient_boosting")["findings"]
    assert "too_good" not in {finding["code"] for finding in findings}


@pytest.mark.parametrize(
    ("table", "label", "model_type"),
    [
        ("penguins", "species", "random_forest"),
        ("diabetes", "target", "gradient_boosting"),
        ("cars", "Origin", "knn"),
    ],
)
def test_recipe_reproduces_the_metrics(table: str, label: str, model_type: str, tmp_path: Path) -> None:
    first = json.loads(json.dumps(report(table, label, model_type)))
    second = train(DATA / f"{table}.csv", TrainingSpec.from_json(first["recipe"]["spec"]), tmp_path / "m")
    metrics = {metric["name"]: metric["value"] for metric in first["metrics"]}
    assert second.metrics == pytest.approx(metrics, rel=1e-9, abs=1e-9)


def test_report_of_a_large_test_set_is_of_a_sample_but_its_metrics_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = TrainingSpec("linear", ("bmi", "bp"), "target")
    whole = train(DATA / "diabetes.csv", spec, tmp_path / "whole")
    monkeypatch.setattr(compilation, "MOST_EVALUATED_ROWS", 50)
    sampled = train(DATA / "diabetes.csv", spec, tmp_path / "sampled")
    stored = predictors.read_report(tmp_path / "sampled", sampled.files)
    completed = complete_report(stored, "m", "2026-01-31T12:00:00Z", {})
    assert sampled.metrics == whole.metrics
    assert (completed["evaluated_rows"], sum(completed["residuals"]["counts"])) == (50, 50)
    assert completed["recipe"]["test_rows"] > 50
    repeated = train(DATA / "diabetes.csv", spec, tmp_path / "repeated")
    assert predictors.read_report(tmp_path / "repeated", repeated.files) == stored


def test_report_on_ten_rows_states_that_they_are_too_few(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n * 2}\n" for n in range(10)))
    files = train(path, TrainingSpec("linear", ("x",), "y"), tmp_path / "m").files
    stored = predictors.read_report(tmp_path / "m", files)
    assert "2 test rows" in stored["verdict"]
    assert stored["intervals"] is stored["learning"] is None


def test_verdict_on_38_rows_that_are_all_right_is_not_certain(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n % 2 * 100 + n % 7},{'ab'[n % 2]}\n" for n in range(190)))
    files = train(path, TrainingSpec("random_forest", ("x",), "y"), tmp_path / "m").files
    verdict = predictors.read_report(tmp_path / "m", files)["verdict"]
    assert verdict.startswith("Better than guessing: 100.0% of test rows right (95% CI 90.7-100.0%)")


def test_verdict_on_a_perfect_fit_claims_no_interval(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{n * 2}\n" for n in range(200)))
    files = train(path, TrainingSpec("linear", ("x",), "y"), tmp_path / "m").files
    verdict = predictors.read_report(tmp_path / "m", files)["verdict"]
    assert verdict.startswith("Better than guessing: the model explains 100.0%")
    assert "(no test row has an error)" in verdict
