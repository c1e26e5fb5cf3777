"""scikit-learn style estimators that train and predict on a Farebox gateway.

They need pandas, and fit into scikit-learn's pipelines and searches where it is installed.
"""

import inspect
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Self

import numpy
import pandas

from farebox.clients import Farebox
from farebox.errors import InvalidArgument
from farebox.results.datasets import InspectedDataset
from farebox.results.models import Model
from farebox.results.predictions import Predictions

Task = Literal["classification", "regression"]
ROWS_PER_REQUEST = 5000


class FareboxEstimator:
    """The base class of the classifier and the regressor.

    `model_type` and `params` are a model type of the gateway and its parameters. Without a `client`, requests
    go through `Farebox()`: the default address with the stored login. After `fit`, `model_` is the trained
    model. Training and predictions are charged at the gateway's prices.

    `train_fraction` is the share of the rows to learn from, 80 % by default; the gateway tests the model on
    the others. The scores of a cross-validation are therefore those of models of fewer rows.
    """

    task: ClassVar[Task]

    def __init__(
        self,
        model_type: str = "random_forest",
        params: Mapping[str, object] | None = None,
        train_fraction: float = 0.8,
        client: Farebox | None = None,
    ) -> None:
        self.model_type = model_type
        self.params = params
        self.train_fraction = train_fraction
        self.client = client

    def fit(self, X: Any, y: Any) -> Self:
        """Upload the table, train a model on it, and wait for it."""
        features, label = _frame_of(X), self._label_of(y)
        if len(features) != len(label):
            raise InvalidArgument(
                f"X has {len(features)} rows and y has {len(label)}; the numbers must be equal."
            )
        name = _free_name(features.columns)
        table = features.reset_index(drop=True).assign(**{name: label})
        with self._connected() as client:
            self.model_: Model = client.models.train(
                self._upload(client, table, name),
                name,
                features=[str(column) for column in features.columns],
                type=self.model_type,
                task=self.task,
                params=self.params or {},
                train_fraction=self.train_fraction,
            )
        self.n_features_in_ = features.shape[1]
        self.feature_names_in_ = numpy.asarray(features.columns, dtype=object)
        return self

    def predict(self, X: Any) -> Any:
        """The prediction for each row, as an array."""
        return numpy.asarray([value for part in self._predict(X) for value in part.predictions])

    def get_params(self, deep: bool = True) -> dict[str, object]:  # noqa: ARG002 - scikit-learn's interface
        """The settings that the constructor takes, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **settings: object) -> Self:
        """Change settings that the constructor takes."""
        names = self.get_params()
        for name, setting in settings.items():
            if name not in names:
                raise InvalidArgument(f"There is no setting '{name}'; the settings are {', '.join(names)}.")
            setattr(self, name, setting)
        return self

    def _label_of(self, y: Any) -> Any:  # Any: pandas is optional at type checking
        return pandas.Series(numpy.asarray(y).ravel())

    def _upload(self, client: Farebox, table: Any, label: str) -> InspectedDataset:  # noqa: ARG002 - for the classifier  # Any: as above
        return client.datasets.upload(table)

    def _predict(self, X: Any, *, probabilities: bool = False) -> list[Predictions]:  # Any: as above
        if not self.__sklearn_is_fitted__():
            raise _not_fitted()
        rows = _frame_of(X)
        with self._connected() as client:
            return [
                client.predictions.many(
                    self.model_.name, rows.iloc[start : start + ROWS_PER_REQUEST], probabilities=probabilities
                )
                for start in range(0, len(rows), ROWS_PER_REQUEST)
            ]

    @contextmanager
    def _connected(self) -> Generator[Farebox]:
        if self.client is not None:
            yield self.client
            return
        with Farebox() as client:
            yield client

    def __repr__(self) -> str:
        shown = (f"{name}={value!r}" for name, value in self.get_params().items() if name != "client")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __sklearn_clone__(self) -> Self:
        # scikit-learn's own clone would copy the client, and a connection cannot be copied.
        return type(self)(**self.get_params())  # pyright: ignore[reportArgumentType] - its own settings

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:  # Any: scikit-learn need not be installed
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        classifies = self.task == "classification"
        return Tags(
            estimator_type="classifier" if classifies else "regressor",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags() if classifies else None,
            regressor_tags=None if classifies else RegressorTags(),
            input_tags=InputTags(allow_nan=True, string=True, categorical=True),
        )


class FareboxClassifier(FareboxEstimator):
    """A classifier; `classes_` are the labels in the training data, of the type that they had there."""

    task = "classification"

    def predict(self, X: Any) -> Any:  # Any: as above
        """The class of each row, as an array."""
        predicted = super().predict(X).tolist()
        return self.classes_[self._positions_of(predicted)]

    def predict_proba(self, X: Any) -> Any:  # Any: as above
        """The probability of each class of `classes_` in each row, as an array."""
        rows = [row for part in self._predict(X, probabilities=True) for row in part.probabilities or []]
        probabilities = numpy.zeros((len(rows), len(self.classes_)))
        if rows:
            columns = self._positions_of(list(rows[0]))
            probabilities[:, columns] = [list(row.values()) for row in rows]
        return probabilities

    def score(self, X: Any, y: Any) -> float:
        """The accuracy: the share of rows predicted correctly."""
        return float(numpy.mean(self.predict(X) == numpy.asarray(y).ravel()))

    def _label_of(self, y: Any) -> Any:  # Any: as above
        """The labels as they are sent: whole numbers as such, all others as text."""
        labels = numpy.asarray(y).ravel()
        if pandas.Series(labels).isna().any():
            raise InvalidArgument("y has missing labels; leave out the rows without one.")
        try:
            self.classes_ = numpy.unique(labels)
        except TypeError:
            raise InvalidArgument("The labels in y are of several types; use texts or numbers.") from None
        if len({_text_of(label) for label in self.classes_.tolist()}) < len(self.classes_):
            raise InvalidArgument("Two classes in y differ in blanks around them only; use one of them.")
        return pandas.Series([_text_of(label) for label in labels.tolist()])

    def _upload(self, client: Farebox, table: Any, label: str) -> InspectedDataset:  # Any: as above
        """Upload the table, and see that its labels are read as they are: digits in texts stay text."""
        dataset = super()._upload(client, table, label)
        if any(isinstance(each, str) for each in self.classes_.tolist()):
            dataset = client.datasets.correct(dataset.id, {label: "text"})
        column = next(column for column in dataset.columns if column.name == label)
        if column.missing or column.distinct != len(self.classes_):
            raise InvalidArgument(
                "A class in y is the same as another one, or as a missing cell, in a CSV file; "
                "rename classes such as 'NA', 'null' or an empty text."
            )
        return dataset

    def _positions_of(self, labels: Sequence[object]) -> list[int]:
        """The position in `classes_` of each label, which the gateway may return as text or as a number."""
        positions = {_text_of(label): position for position, label in enumerate(self.classes_.tolist())}
        return [positions[_text_of(label)] for label in labels]


class FareboxRegressor(FareboxEstimator):
    """A regressor."""

    task = "regression"

    def score(self, X: Any, y: Any) -> float:
        """R²: 1 is perfect, 0 is no better than always predicting the mean."""
        truth = numpy.asarray(y, dtype=float).ravel()
        spread = float(numpy.sum((truth - truth.mean()) ** 2))
        residual = float(numpy.sum((truth - self.predict(X)) ** 2))
        return 1 - residual / spread if spread else float(residual == 0)


def _frame_of(table: Any) -> Any:  # Any: pandas is optional at type checking
    if isinstance(table, pandas.DataFrame):
        return table.rename(columns=str)
    array = numpy.asarray(table)
    if array.ndim != 2:
        raise InvalidArgument("X must be a table of rows and columns; reshape a single column with (-1, 1).")
    return pandas.DataFrame(array, columns=[f"x{number}" for number in range(array.shape[1])])


def _text_of(label: object) -> str:
    """A label as its cell in the file: 1.0 is the class 1, and blanks around a text have no meaning."""
    return str(int(label) if isinstance(label, float) and label.is_integer() else label).strip()


def _not_fitted() -> InvalidArgument:
    """The error of an estimator without a model; scikit-learn's as well, where it is installed."""
    sentence = "This estimator is not fitted yet; call fit before predict."
    try:
        from sklearn.exceptions import NotFittedError
    except ImportError:
        return InvalidArgument(sentence)

    class NotFitted(InvalidArgument, NotFittedError):
        pass

    return NotFitted(sentence)


def _free_name(taken: Any) -> str:  # Any: an Index
    name = "label"
    while name in taken:
        name += "_"
    return name
