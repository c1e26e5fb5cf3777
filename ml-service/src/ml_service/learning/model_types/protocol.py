"""The protocol of a model type."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """Facts about a table that parameters depend on; `classes` is 0 in regression."""

    label: str
    training_rows: int
    classes: int


class Estimator(Protocol):
    """The part of scikit-learn's estimators that training uses."""

    def fit(self, X: Any, y: Any) -> Any: ...
    def predict(self, X: Any) -> Any: ...


class ModelType(Protocol, Generic[Chosen]):
    """A learning algorithm in two forms: scikit-learn's for training, arrays for predicting.

    `scaled` asks for standardised numbers; `candidates` are the parameters that a comparison tries.
    """

    name: str
    title: str
    parameters: type[Chosen]
    tasks: frozenset[Task]
    scaled: bool
    candidates: Sequence[Mapping[str, object]] = ({},)

    def check(self, parameters: Chosen, table: TrainingTable) -> None:  # noqa: ARG002 - for types that need it
        """Raise if these parameters do not go with this table."""
        return

    def build(self, parameters: Chosen, task: Task, seed: int) -> Estimator:
        """The unfitted estimator."""
        ...

    def compile(self, estimator: Any, task: Task) -> Arrays:  # Any: the class that build made
        """The arrays that prediction needs of a fitted estimator."""
        ...

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        """The function that predicts from the arrays of `compile`."""
        ...
