"""Request parameters that several nouns share."""

from typing import Annotated, Any

from fastapi import Depends, Path

from kit.authentication import require_scope
from kit.identity import Caller

# Callers by the scope that an API key needs.
TrainCaller = Annotated[Caller, Depends(require_scope("train"))]
PredictCaller = Annotated[Caller, Depends(require_scope("predict"))]

ModelName = Annotated[str, Path(max_length=200)]

# Bodies that are read as they arrive, so OpenAPI learns of them by hand.
BINARY = {"type": "string", "format": "binary"}
TABLE_FILES: dict[str, Any] = {  # Any: OpenAPI
    "text/csv": {"schema": BINARY},
    "application/gzip": {"schema": BINARY},
    "application/vnd.apache.parquet": {"schema": BINARY},
}
