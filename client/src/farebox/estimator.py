"""scikit-learn style estimators that train and predict on a Farebox gateway.

They need pandas, and fit into scikit-learn's pipelines and searches where it is installed.
"""

import inspect
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Self

import numpy
import pandas

from farebox.clients import Farebox
from farebox.errors import InvalidArgument
from farebox.results.models import Model

Task = Literal["classification", "regression"]
ROWS_PER_REQUEST = 5000


class FareboxEstimator:
    """The base class of the classifier and the regressor.

    `model_type` and `params` are a model type of the gateway and its parameters. Without a `client`, requests
    go through `Farebox()`: the default address with the stored login. After `fit`, `model_` is the trained
    model. Training and predictions are charged at the gateway's prices.
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
        features, label = _frame_of(X), pandas.Series(numpy.asarray(y).ravel())
        if len(features) != len(label):
            raise InvalidArgument(
                f"X has {len(features)} rows and y has {len(label)}; the numbers must be equal."
            )
        name = _free_name(features.columns)
        table = features.reset_index(drop=True).assign(**{name: label})
        with self._connected() as client:
            self.model_: Model = client.models.train(
                table,
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
        if not self.__sklearn_is_fitted__():
            raise InvalidArgument("This estimator is not fitted yet; call fit before predict.")
        rows = _frame_of(X)
        predictions: list[object] = []
        with self._connected() as client:
            for start in range(0, len(rows), ROWS_PER_REQUEST):
                chunk = rows.iloc[start : start + ROWS_PER_REQUEST]
                predictions += client.predictions.many(self.model_.name, chunk).predictions
        return numpy.asarray(predictions)

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
    """A classifier; `classes_` are the labels in the training data."""

    task = "classification"

    def fit(self, X: Any, y: Any) -> Self:  # Any: as above
        """Upload the table, train a model on it, and wait for it."""
        super().fit(X, y)
        self.classes_ = numpy.unique(numpy.asarray(y).ravel())
        return self

    def predict(self, X: Any) -> Any:  # Any: as above
        """The class of each row, as an array."""
        predicted = super().predict(X).tolist()
        # A label sent in a CSV file may return as its text.
        classes = self.classes_.tolist()
        labels = {str(label): label for label in classes} | {label: label for label in classes}
        return numpy.asarray([labels[label] for label in predicted], dtype=self.classes_.dtype)

    def score(self, X: Any, y: Any) -> float:
        """The accuracy: the share of rows predicted correctly."""
        return float(numpy.mean(self.predict(X) == numpy.asarray(y).ravel()))


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


def _free_name(taken: Any) -> str:  # Any: an Index
    name = "label"
    while name in taken:
        name += "_"
    return name
