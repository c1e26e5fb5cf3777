"""Callers of ml-service: the required scope of an API key."""

from typing import Annotated

from fastapi import Depends

from kit.authentication import require_scope
from kit.identity import Caller

TrainCaller = Annotated[Caller, Depends(require_scope("train"))]
PredictCaller = Annotated[Caller, Depends(require_scope("predict"))]
