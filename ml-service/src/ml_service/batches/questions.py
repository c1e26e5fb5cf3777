"""What is asked about a whole file."""

from dataclasses import dataclass

from kit.identity import Caller
from ml_service.billing.port import Charge, HoldKey
from ml_service.learning.batches.pipeline import BatchTask
from ml_service.learning.predictors import PredictionOptions
from ml_service.store.uploads import Upload

HOLD_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which model; `key` is the caller's Idempotency-Key."""

    model: str
    asked: PredictionOptions
    key: str | None
    respond_async: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A question with whose it is and the id under which its tokens are held."""

    caller: Caller
    question: Question
    operation: str

    def charge(self, rows: int) -> Charge:
        return Charge(
            key=HoldKey(f"batch:{self.operation}"),
            user_id=self.caller.user_id,
            action="batch",
            ttl_seconds=HOLD_SECONDS,
            units=rows,
            resource=self.question.model,
            api_key=self.caller.api_key,
        )


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A file that was looked through and can be predicted."""

    upload: Upload
    task: BatchTask
    rows: int
