"""Model types: algorithms with their parameters."""

from ml_service.learning.model_types.protocol import ModelType, Parameters, Task, TrainingTable
from ml_service.learning.model_types.registry import (
    MODEL_TYPE_ERRORS,
    MODEL_TYPES,
    candidate_name,
    convert_course,
    course_view,
    describe,
    get_model_type,
    parse,
    types_for,
)

__all__ = [
    "MODEL_TYPES",
    "MODEL_TYPE_ERRORS",
    "ModelType",
    "Parameters",
    "Task",
    "TrainingTable",
    "candidate_name",
    "convert_course",
    "course_view",
    "describe",
    "get_model_type",
    "parse",
    "types_for",
]
