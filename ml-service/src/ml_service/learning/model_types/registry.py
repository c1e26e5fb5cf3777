"""Every model type there is."""

from collections.abc import Mapping
from typing import Any

from ml_service.learning.model_types.errors import UnknownModelType
from ml_service.learning.model_types.gradient_boosting import GradientBoosting
from ml_service.learning.model_types.knn import Knn
from ml_service.learning.model_types.linear import Linear
from ml_service.learning.model_types.logistic import Logistic
from ml_service.learning.model_types.protocol import ModelType, Task
from ml_service.learning.model_types.random_forest import RandomForest

AnyModelType = ModelType[Any]  # Any: each has parameters of its own

MODEL_TYPES: Mapping[str, AnyModelType] = {
    each.name: each for each in (Knn(), Linear(), Logistic(), RandomForest(), GradientBoosting())
}


def get_model_type(name: str) -> AnyModelType:
    try:
        return MODEL_TYPES[name]
    except KeyError:
        raise UnknownModelType(sorted(MODEL_TYPES)) from None


def types_for(task: Task) -> str:
    """The names of the types that can do this, as a sentence lists them."""
    *others, last = (name for name, each in MODEL_TYPES.items() if task in each.tasks)
    return f"{', '.join(others)} or {last}"
