"""Protocol of a model type, with the base classes of its parameters and refusals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from kit.errors import ServiceError

Task = Literal["classification", "regression"]
Matrix = npt.NDArray[np.float64]
Array = npt.NDArray[Any]  # Any: arrays of every type
Arrays = Mapping[str, Array]
# Prepared rows to one row of class probabilities each, or to one value each.
Scorer = Callable[[Matrix], Matrix]

# Indexes, and the larger form of trees in memory.
LOADED_SIZE = 1.5


def in_pieces(score: Scorer, rows: Matrix, rows_at_once: int) -> Matrix:
    """Score rows piece by piece, which bounds the memory for intermediate results."""
    if len(rows) <= rows_at_once:
        return score(rows)
    starts = range(0, len(rows), rows_at_once)
    return np.concatenate([score(rows[start : start + rows_at_once]) for start in starts])


class Parameters(BaseModel):
    """Base class of typed and bounded parameters; fields have scikit-learn's names."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


ParametersT = TypeVar("ParametersT", bound=Parameters)


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """Facts about a table for checks of parameters, and for estimates of memory.

    `classes` is 0 in regression; `width` counts the columns of a prepared row. At most `distinct_rows` differ
    in their features. A `varied_label` has numbers of which more than the few that are counted differ.
    """

    label: str
    training_rows: int
    classes: int
    width: int = 0
    distinct_rows: int = 0
    varied_label: bool = False

    @property
    def matrix_bytes(self) -> int:
        """The size of the prepared training rows."""
        return self.training_rows * self.width * 8


class ModelTypeRefusal(ServiceError):
    """Base class of refusals of parameters that do not fit a table, defined in the file of the model type."""

    status = 422


class Estimator(Protocol):
    """The methods of scikit-learn's estimators that training calls."""

    def fit(self, X: Any, y: Any) -> Any: ...
    def predict(self, X: Any) -> Any: ...


class ModelType(Protocol, Generic[ParametersT]):
    """A learning algorithm in two forms: a scikit-learn estimator for training, arrays for prediction.

    `scaled` requests standardised numbers; `threaded` marks an estimator with `n_jobs` that fits the same
    model in any number of threads, `bounded` one that calls its `check_bytes` with the estimated memory of
    its model during the fit; `candidates` are the parameters that a comparison tries; `advice` says how a
    model gets smaller. `complexity` is 1 for a weighted sum of the columns: of equally good candidates, a
    comparison chooses the simpler.
    """

    name: str
    title: str
    parameters: type[ParametersT]
    tasks: frozenset[Task]
    scaled: bool
    threaded: bool = False
    complexity: int = 2
    bounded: bool = False
    advice: str = "choose fewer rows or columns, or another type"
    candidates: Sequence[Mapping[str, object]] = ({},)

    def check(self, parameters: ParametersT, table: TrainingTable) -> None:  # noqa: ARG002 - for types that need it
        """Raise a ModelTypeRefusal if the parameters do not fit the table."""
        return

    def adapt(self, parameters: ParametersT, rows: int) -> ParametersT:  # noqa: ARG002 - as above
        """The parameters, with those that follow from the number of training rows."""
        return parameters

    def least_fit_bytes(self, parameters: ParametersT, table: TrainingTable) -> int:  # noqa: ARG002 - as above
        """A lower bound of the memory of a fit and its model, beside the prepared rows."""
        return 0

    def least_model_bytes(self, parameters: ParametersT, table: TrainingTable) -> int:  # noqa: ARG002 - as above
        """A lower bound of `loaded_bytes`."""
        return 0

    def build(self, parameters: ParametersT, task: Task, seed: int) -> Estimator:
        """Create the unfitted estimator.

        scikit-learn is imported here: ml-service reads the registry, and is 100 MB smaller without it.
        """
        ...

    def compile(self, estimator: Any, task: Task) -> Arrays:  # Any: the class that `build` returns
        """Extract the arrays for prediction from a fitted estimator."""
        ...

    def strip(self, estimator: Any) -> Any:  # Any: as above, and a class of scikit-learn
        """The fitted estimator without what `restore` takes from the arrays of `compile`, to be pickled."""
        return estimator

    def restore(self, estimator: Any, arrays: Arrays) -> Any:  # noqa: ARG002 - for types that strip  # Any: as above
        """The complete estimator of scikit-learn, from a stripped one and the arrays of `compile`."""
        return estimator

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:
        """Create the prediction function from the arrays of `compile`."""
        ...

    def row_seconds(self, arrays: Arrays) -> float:
        """Estimate the time of one core to score a row, rather too high than too low."""
        ...

    def loaded_bytes(self, arrays: Arrays) -> int:
        """Estimate the memory of a loaded model, rather too high than too low."""
        return int(LOADED_SIZE * sum(array.nbytes for array in arrays.values()))

    def restored_bytes(self, arrays: Arrays) -> int:  # noqa: ARG002 - for types that strip
        """The memory of what `restore` adds to a stripped estimator."""
        return 0
