"""What a model type is."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

Task = Literal["classification", "regression"]
Matrix = npt.NDArray[np.float64]
Arrays = Mapping[str, npt.NDArray[Any]]  # Any: arrays of every type
# One row of class probabilities, or one value, for each row of prepared features.
Scorer = Callable[[Matrix], Matrix]


class Parameters(BaseModel):
    """Typed and bounded; subclasses name them as scikit-learn does."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


Chosen = TypeVar("Chosen", bound=Parameters)


class Estimator(Protocol):
    """The part of scikit-learn's interface that training uses."""

    def fit(self, X: Any, y: Any) -> Any: ...
    def predict(self, X: Any) -> Any: ...


class ModelType(Protocol, Generic[Chosen]):
    """A way to learn, in both of its forms: scikit-learn's for training, arrays for predicting."""

    name: str
    title: str
    parameters: type[Chosen]
    tasks: frozenset[Task]
    scaled: bool

    def build(self, parameters: Chosen, task: Task, seed: int) -> Estimator:
        """The unfitted estimator."""
        ...

    def compile(self, estimator: Any, task: Task) -> Arrays:  # Any: the class that build made
        """All that predicting needs of a fitted estimator."""
        ...

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        """The function that predicts from what `compile` gave."""
        ...
