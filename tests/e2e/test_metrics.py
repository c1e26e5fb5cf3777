"""Metrics equal scikit-learn's on the same split."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import numpy as np
import pandas as pd
import pytest
import pytest_asyncio
from sklearn import metrics as sk
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.support.people import Person, grant, new_user
from tests.support.tables import shared
from tests.support.training import train

TOLERANCE = 1e-9
PARAMS: dict[str, dict[str, object]] = {"random_forest": {"n_estimators": 20, "max_depth": 6}}
ESTIMATORS: dict[tuple[str, str], Callable[..., object]] = {
    ("linear", "regression"): LinearRegression,
    ("logistic", "classification"): lambda **_: LogisticRegression(max_iter=1000, random_state=0),
    ("knn", "regression"): lambda **_: KNeighborsRegressor(algorithm="kd_tree"),
    ("knn", "classification"): lambda **_: KNeighborsClassifier(algorithm="kd_tree"),
    ("random_forest", "regression"): lambda **params: RandomForestRegressor(random_state=0, **params),
    ("random_forest", "classification"): lambda **params: RandomForestClassifier(random_state=0, **params),
}


@dataclass(frozen=True)
class Case:
    table: str
    label: str
    features: list[str]
    task: str
    types: list[str]
    dates: list[str] = field(default_factory=list)


WINE = ["alcohol", "malic_acid", "od280/od315_of_diluted_wines", "proline"]
DIABETES = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
PENGUINS = ["bill_length_mm", "flipper_length_mm", "island", "sex"]
CARS = ["Cylinders", "Horsepower", "Weight_in_lbs", "Origin"]
CLASSIFIERS = ["logistic", "knn", "random_forest"]
REGRESSORS = ["linear", "knn", "random_forest"]
CASES = [
    Case("wine", "target", WINE, "classification", CLASSIFIERS),
    Case("penguins", "species", PENGUINS, "classification", CLASSIFIERS),
    Case("diabetes", "target", DIABETES, "regression", REGRESSORS),
    Case("cars", "Miles_per_Gallon", CARS, "regression", REGRESSORS),
    Case("seattle-weather", "temp_max", ["date", "wind", "weather"], "regression", ["linear"], ["date"]),
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def statistician(http: httpx.AsyncClient, admin: Person) -> Person:
    person = await new_user(http)
    await grant(admin, person, 100)
    return person


@pytest.mark.parametrize(
    ("case", "model_type"),
    [pytest.param(case, type, id=f"{case.table}-{type}") for case in CASES for type in case.types],
)
async def test_metrics_equal_plain_scikit_learn(statistician: Person, case: Case, model_type: str) -> None:
    spec: dict[str, object] = {"label": case.label, "features": case.features, "missing_label": "drop"}
    params = PARAMS.get(model_type, {})
    model = await train(statistician, shared(case.table), type=model_type, params=params, **spec)
    expected = _recompute(case, ESTIMATORS[model_type, case.task](**params), model_type != "random_forest")
    received = model["metrics"]
    assert {name: received[name] for name in expected} == pytest.approx(
        expected, rel=TOLERANCE, abs=TOLERANCE
    )


def _recompute(case: Case, estimator: object, scaled: bool) -> dict[str, float]:
    frame = pd.read_csv(io.BytesIO(shared(case.table)), parse_dates=case.dates).dropna(subset=[case.label])
    labels = frame[case.label].to_numpy()
    labels = labels.astype(object if case.task == "classification" else float)
    training, test = train_test_split(
        np.arange(len(frame)),
        train_size=0.8,
        random_state=0,
        stratify=labels if case.task == "classification" else None,
    )
    rows, texts = _plain_rows(frame[case.features], case.dates)
    model = _pipeline(rows.iloc[training], texts, estimator, scaled)
    model.fit(rows.iloc[training], labels[training])
    score = _classification if case.task == "classification" else _regression
    return score(model, rows.iloc[test], labels[test])


def _plain_rows(frame: pd.DataFrame, dates: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Numbers, then the numbers of dates, then texts."""
    numbers = frame.select_dtypes("number").astype(float)
    parts = {
        f"{name} {part}": getattr(frame[name].dt, part).astype(float)
        for name in dates
        for part in ("year", "month", "day", "day_of_week")
    }
    days = {f"{name} days": (frame[name] - pd.Timestamp(0)).dt.days.astype(float) for name in dates}
    texts = frame.drop(columns=[*numbers.columns, *dates]).astype(object)
    return pd.concat([numbers, pd.DataFrame(parts | days), texts], axis=1), list(texts.columns)


def _pipeline(training: pd.DataFrame, texts: list[str], estimator: object, scaled: bool) -> Pipeline:
    numbers = [name for name in training.columns if name not in texts]
    prepare_numbers = [SimpleImputer(strategy="median"), *([StandardScaler()] if scaled else [])]
    categories = [sorted(training[name].dropna().unique()) for name in texts]
    encode = OneHotEncoder(categories=categories, handle_unknown="ignore", sparse_output=False)
    transformer = make_column_transformer((make_pipeline(*prepare_numbers), numbers), (encode, texts))
    return make_pipeline(transformer, estimator)


def _regression(model: Pipeline, rows: pd.DataFrame, actual: np.ndarray) -> dict[str, float]:
    predicted = model.predict(rows)
    return {
        "r2_score": sk.r2_score(actual, predicted),
        "mean_squared_error": sk.mean_squared_error(actual, predicted),
        "mean_absolute_error": sk.mean_absolute_error(actual, predicted),
        "root_mean_squared_error": sk.root_mean_squared_error(actual, predicted),
    }


def _classification(model: Pipeline, rows: pd.DataFrame, actual: np.ndarray) -> dict[str, float]:
    predicted, probabilities = model.predict(rows), model.predict_proba(rows)
    return {
        "accuracy": sk.accuracy_score(actual, predicted),
        "balanced_accuracy": sk.balanced_accuracy_score(actual, predicted),
        "precision_macro": sk.precision_score(actual, predicted, average="macro"),
        "recall_macro": sk.recall_score(actual, predicted, average="macro"),
        "f1_macro": sk.f1_score(actual, predicted, average="macro"),
        "roc_auc": sk.roc_auc_score(actual, probabilities, multi_class="ovr"),
        "log_loss": sk.log_loss(actual, probabilities),
    }
