"""Callers of ml-service, by the scope that an API key needs."""

from typing import Annotated

from fastapi import Depends

from kit.authentication import require_scope
from kit.identity import Caller

TrainCaller = Annotated[Caller, Depends(require_scope("train"))]
PredictCaller = Annotated[Caller, Depends(require_scope("predict"))]
