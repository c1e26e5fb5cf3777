"""Ordinary least squares."""

from typing import Any

import numpy as np
from pydantic import Field

from ml_service.learning.model_types.protocol import (
    Arrays,
    Estimator,
    Matrix,
    ModelType,
    Parameters,
    Scorer,
    Task,
    TrainingTable,
)

SECONDS_PER_PRODUCT = 2e-9


class LinearParameters(Parameters):
    fit_intercept: bool = Field(
        default=True, description="Fit an intercept; else the line passes through the origin."
    )


class Linear(ModelType[LinearParameters]):
    name = "linear"
    title = "Linear regression"
    parameters = LinearParameters
    tasks: frozenset[Task] = frozenset({"regression"})
    scaled = True
    complexity = 1

    def least_fit_bytes(self, parameters: LinearParameters, table: TrainingTable) -> int:  # noqa: ARG002 - as above
        # The centred rows, and LAPACK's copy of them; measured 2.1.
        return 2 * table.matrix_bytes

    def build(self, parameters: LinearParameters, task: Task, seed: int) -> Estimator:  # noqa: ARG002 - one task
        from sklearn.linear_model import LinearRegression

        return LinearRegression(fit_intercept=parameters.fit_intercept)

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - one task  # Any: LinearRegression
        return {"weights": np.asarray(estimator.coef_), "intercept": np.asarray(estimator.intercept_)}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:  # noqa: ARG002 - one task
        weights, intercept = arrays["weights"], float(arrays["intercept"])

        def score(rows: Matrix) -> Matrix:
            return rows @ weights + intercept

        return score

    def row_seconds(self, arrays: Arrays) -> float:
        return arrays["weights"].size * SECONDS_PER_PRODUCT
