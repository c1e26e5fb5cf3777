"""Logistic regression."""

from typing import Any, Literal

import numpy as np
from pydantic import Field
from sklearn.linear_model import LogisticRegression

from ml_service.learning.model_types.odds import shares_of
from ml_service.learning.model_types.protocol import Arrays, Matrix, Parameters, Scorer, Task

Solver = Literal["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]


class LogisticParameters(Parameters):
    C: float = Field(default=1.0, ge=1e-6, le=1e6, description="How freely weights may grow.")
    max_iter: int = Field(default=1000, ge=1, le=10_000, description="Steps before the solver gives up.")
    solver: Solver = Field(
        default="lbfgs", description="How the weights are found; liblinear takes two classes."
    )


class Logistic:
    name = "logistic"
    title = "Logistic regression"
    parameters = LogisticParameters
    tasks: frozenset[Task] = frozenset({"classification"})
    scaled = True
    tried = ({}, {"C": 0.05})

    def build(self, parameters: LogisticParameters, task: Task, seed: int) -> LogisticRegression:  # noqa: ARG002 - one task
        return LogisticRegression(random_state=seed, **parameters.model_dump())

    def compile(self, estimator: Any, task: Task) -> Arrays:  # noqa: ARG002 - one task  # Any: LogisticRegression
        return {"weights": estimator.coef_.T, "intercept": estimator.intercept_}

    def scorer(self, arrays: Arrays, task: Task) -> Scorer:  # noqa: ARG002 - one task
        weights, intercept = np.ascontiguousarray(arrays["weights"]), arrays["intercept"]

        def score(rows: Matrix) -> Matrix:
            return shares_of(rows @ weights + intercept)

        return score
