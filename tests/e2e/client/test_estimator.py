"""Estimators that train remotely, alone and inside scikit-learn."""

import numpy
import pandas
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
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


@pytest.mark.parametrize(
    "labels",
    [
        numpy.array(["0", "1"]),
        numpy.array(["0", "1"], dtype=object),
        numpy.array(["007", "7"]),
        numpy.array(["2026-01-01", "2026-01-02"]),
        numpy.array(["0.5", "0.50"]),
        numpy.array(["true", "false"]),
        numpy.array([False, True]),
        numpy.array([0, 1]),
        numpy.array([3, 1000], dtype=numpy.uint16),
        numpy.array([1.0, 2.0]),
        pandas.Categorical(["small", "large"]),
        pandas.array([True, False], dtype="boolean"),
    ],
    ids=lambda labels: f"{labels.dtype} {labels[0]}",
)
def test_classes_come_back_as_they_were_given(owner: Farebox, labels: numpy.ndarray) -> None:
    points = numpy.arange(40).reshape(-1, 1)
    classifier = FareboxClassifier("knn", client=owner).fit(points, labels.repeat(20))

    predicted = classifier.predict([[0], [39]])

    given = numpy.asarray(labels)
    assert predicted.dtype == given.dtype
    assert [(type(label), label) for label in predicted] == [(type(label), label) for label in given]


def test_text_and_number_labels_of_equal_files_keep_their_type(owner: Farebox) -> None:
    points = numpy.arange(44).reshape(-1, 1)
    numbers = points.ravel() // 22
    texts = FareboxClassifier("knn", client=owner).fit(points, numbers.astype(str))
    again = FareboxClassifier("knn", client=owner).fit(points, numbers)

    assert texts.predict([[0], [43]]).tolist() == ["0", "1"]
    assert again.predict([[0], [43]]).tolist() == [0, 1]


def test_probabilities_are_in_the_order_of_the_classes(owner: Farebox) -> None:
    points = numpy.arange(90).reshape(-1, 1)
    truth = points.ravel() // 30 + 9
    classifier = FareboxClassifier("knn", client=owner).fit(points, truth)

    probabilities = classifier.predict_proba(points)

    assert classifier.classes_.tolist() == [9, 10, 11]
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert (classifier.classes_[probabilities.argmax(axis=1)] == truth).mean() > 0.9
    assert roc_auc_score(truth, probabilities, multi_class="ovr") > 0.95


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["a", None], "missing labels"),
        (["a", float("nan")], "missing labels"),
        (["a", 1], "several types"),
        (["a", " a"], "blanks around"),
        (["NA", "EU"], "rename classes"),
        (["", "x"], "rename classes"),
    ],
)
def test_classes_that_are_equal_in_a_file_are_refused_for_free(
    client: Farebox, labels: list[object], says: str
) -> None:
    points = numpy.arange(40).reshape(-1, 1)
    truth = numpy.array(labels * 20, dtype=object)

    with pytest.raises(InvalidArgument, match=says):
        FareboxClassifier("knn", client=client).fit(points, truth)

    assert client.wallet.balance().available == 15


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
    with pytest.raises(NotFittedError):
        FareboxRegressor().predict([[1]])


def test_parameters_can_be_read_and_set() -> None:
    regressor = FareboxRegressor().set_params(model_type="linear", train_fraction=0.9)

    assert regressor.get_params()["model_type"] == "linear"
    with pytest.raises(InvalidArgument, match="nonsense"):
        regressor.set_params(nonsense=1)
