"""Refusals of model types and their parameters."""

from collections.abc import Sequence

from kit.errors import ServiceError


class UnknownModelType(ServiceError):
    status = 422
    code = "unknown_model_type"

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"There is no such model type; choose one of {', '.join(known)}.")


class UnknownParameter(ServiceError):
    status = 400
    code = "unknown_parameter"

    def __init__(self, model_type: str, known: Sequence[str]) -> None:
        super().__init__(f"A parameter is unknown; {model_type} takes {', '.join(known)}.")


class InvalidParameter(ServiceError):
    status = 422
    code = "invalid_parameter"

    def __init__(self, parameter: str, sentence: str) -> None:
        super().__init__(f"{parameter}: {sentence}", parameter=parameter)


class ModelTypeRefusal(ServiceError):
    """Parameters that do not go with a table; each model type defines its own beside its check."""

    status = 422
