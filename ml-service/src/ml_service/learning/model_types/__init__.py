"""The ways to learn that Farebox offers."""

from ml_service.learning.model_types.errors import MODEL_TYPE_ERRORS
from ml_service.learning.model_types.parameters import convert_course, course_view, describe, parse
from ml_service.learning.model_types.protocol import ModelType, Parameters, Task
from ml_service.learning.model_types.registry import MODEL_TYPES, get_model_type, types_for

__all__ = [
    "MODEL_TYPES",
    "MODEL_TYPE_ERRORS",
    "ModelType",
    "Parameters",
    "Task",
    "convert_course",
    "course_view",
    "describe",
    "get_model_type",
    "parse",
    "types_for",
]
