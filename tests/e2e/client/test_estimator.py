"""Estimators that train remotely, alone and inside scikit-learn."""

import numpy
import pandas
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import cross_val_score
from tests.e2e.client.conftest import PENGUINS, QUICK

from farebox import Farebox
from farebox.errors import InvalidArgument
from farebox.estimator import FareboxClassifier, FareboxRegressor


@pytest.fixture
def table() -> pandas.DataFrame:
    return pandas.read_csv(PENGUINS)


def test_classifier_trains_on_frame(owner: Farebox, table: pandas.DataFrame) -> None:
    features, label = table.drop(columns="species"), table["species"]
    classifier = FareboxClassifier(params=QUICK, client=owner).fit(features, label)

    assert classifier.classes_.tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    assert classifier.score(features, label) > 0.9


def test_classes_keep_their_type(owner: Farebox) -> None:
    points = numpy.arange(40).reshape(-1, 1)
    classifier = FareboxClassifier("knn", client=owner).fit(points, points.ravel() >= 20)

    assert classifier.predict([[0], [39]]).tolist() == [False, True]


def test_regressor_trains_on_arrays(owner: Farebox) -> None:
    points = numpy.arange(80, dtype=float).reshape(-1, 2)
    regressor = FareboxRegressor("linear", client=owner).fit(points, points.sum(axis=1))

    assert regressor.score(points, points.sum(axis=1)) == pytest.approx(1)


def test_estimators_work_inside_scikit_learn(owner: Farebox) -> None:
    points = numpy.arange(60, dtype=float).reshape(-1, 1)
    regressor = FareboxRegressor("linear", client=owner)

    scores = cross_val_score(clone(regressor), points, 2 * points.ravel(), cv=2)

    assert scores == pytest.approx([1, 1])
    assert is_regressor(regressor)
    assert is_classifier(FareboxClassifier())


def test_unfitted_estimator_cannot_predict() -> None:
    with pytest.raises(InvalidArgument, match="fit"):
        FareboxClassifier().predict([[1]])


def test_parameters_can_be_read_and_set() -> None:
    regressor = FareboxRegressor().set_params(model_type="linear", train_fraction=0.9)

    assert regressor.get_params()["model_type"] == "linear"
    with pytest.raises(InvalidArgument, match="nonsense"):
        regressor.set_params(nonsense=1)
