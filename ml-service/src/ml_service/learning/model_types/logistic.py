"""Logistic regression."""

from typing import Any, Literal

import numpy as np
from pydantic import Field

from ml_service.learning.model_types.compilation import softmax
from ml_service.learning.model_types.linear import SECONDS_PER_PRODUCT
from ml_service.learning.model_types.protocol import (
    Arrays,
    Estimator,
    Matrix,
    ModelType,
    ModelTypeRefusal,
    Parameters,
    Scorer,
    Task,
    TrainingTable,
)

NUMBER_BYTES = 8

Solver = Literal["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]


class SolverTakesTwoClasses(ModelTypeRefusal):
    code = "solver_takes_two_classes"

    def __init__(self, column: str) -> None:
        super().__init__(
            f"The solver liblinear takes two classes and '{column}' has more; choose lbfgs.", column=column
        )


class LogisticParameters(Parameters):
    C: float = Field(
        default=1.0,
        ge=1e-6,
        le=1e6,
        description="Inverse regularization strength.",
    )
    max_iter: int = Field(default=1000, ge=1, le=10_000, description="Maximum iterations of the solver.")
    solver: Solver = Field(
        default="lbfgs", description="Optimization algorithm; liblinear takes two classes only."
    )


class Logistic(ModelType[LogisticParameters]):
    name = "logistic"
    title = "Logistic regression"
    parameters = LogisticParameters
    tasks: frozenset[Task] = frozenset({"classification"})
    scaled = True
    complexity = 1
    candidates = ({}, {"C": 0.05})

    def check(self, parameters: LogisticParameters, table: TrainingTable) -> None:
        if parameters.solver == "liblinear" and table.classes > 2:
            raise SolverTakesTwoClasses(table.label)

    def least_fit_bytes(self, parameters: LogisticParameters, table: TrainingTable) -> int:
        outputs = 1 if table.classes == 2 else table.classes
        if parameters.solver == "newton-cholesky":
            return (table.width * outputs) ** 2 * NUMBER_BYTES  # the Hessian
        # Decision values and their gradients; measured 2.0.
        return 2 * table.training_rows * outputs * NUMBER_BYTES if parameters.solver == "lbfgs" else 0

    def build(self, parameters: LogisticParameters, task: Task, seed: int) -> Estimator:  # noqa: ARG002 - one task
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(random_state=seed, **parameters.model_dump())

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - one task  # Any: LogisticRegression
        return {"weights": estimator.coef_.T, "intercept": estimator.intercept_}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:  # noqa: ARG002 - one task
        weights, intercept = np.ascontiguousarray(arrays["weights"]), arrays["intercept"]

        def score(rows: Matrix) -> Matrix:
            return softmax(rows @ weights + intercept)

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        # The softmax takes the time of some products for each class.
        return (arrays["weights"].size + 10 * arrays["intercept"].size) * SECONDS_PER_PRODUCT
