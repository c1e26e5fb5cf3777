"""Callers of ml-service: the required scope of an API key, and the payer of what costs tokens."""

from typing import Annotated

from fastapi import Depends

from kit.authentication import require_scope
from kit.identity import Caller
from kit.payers import require_payer

TrainCaller = Annotated[Caller, Depends(require_scope("train"))]
PayingTrainCaller = Annotated[Caller, Depends(require_payer("train"))]
PayingPredictCaller = Annotated[Caller, Depends(require_payer("predict"))]
