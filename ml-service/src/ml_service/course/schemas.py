"""The course's shapes on the wire."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from ml_service.course.forms import Dialect
from ml_service.models.models import Model


class TrainedModelView(BaseModel):
    model_name: str
    model_type: str
    feature_cols: list[str]
    created_at: datetime

    @classmethod
    def of(cls, model: Model) -> "TrainedModelView":
        return cls(
            model_name=model.name,
            model_type=model.model_type,
            feature_cols=(model.description or {})["spec"]["features"],
            created_at=model.ready_at or model.created_at,
        )


def form_body(dialect: Dialect) -> dict[str, Any]:  # Any: OpenAPI
    """How the form is described; it is read as it arrives, which FastAPI's own forms are not."""
    texts = (dialect.model_type, dialect.features, dialect.label, dialect.params)
    properties: dict[str, object] = {name: {"type": "string"} for name in texts}
    properties[dialect.file] = {"type": "string", "format": "binary"}
    properties["train_percentage"] = {"type": "number", "default": 0.8}
    properties["model_filename"] = {"type": "string"}
    required = [dialect.file, dialect.model_type, dialect.features, dialect.label]
    schema = {"type": "object", "required": required, "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
