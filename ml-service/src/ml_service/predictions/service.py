"""Service of predictions: predict rows, charge each request once."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog

from kit.idempotency import FirstAnswers
from kit.identity import Caller
from ml_service.billing.charging import charging, hold_key, keyed_request, settle_or_hold_again
from ml_service.billing.port import Action, Billing, Charge, HoldKey, Receipt
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import DEFAULT_OPTIONS, ArtefactRefused, PredictionOptions, Predictor
from ml_service.models.model_cache import ModelCache
from ml_service.models.repository import ModelLookup, StoredModel
from ml_service.models.rules import is_model_name

HOLD_SECONDS = 30
# A prediction of so few rows takes less time than the start of a thread.
MAX_ROWS_ON_THE_LOOP = 50

Rows = Sequence[dict[str, Any]]  # Any: cells of every kind
Answer = dict[str, Any]  # Any: lists of values, probabilities, intervals, label sets and warnings

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class PredictionInput:
    """Rows for a model, and options; `key` is the caller's Idempotency-Key."""

    model: str
    rows: Rows
    key: str | None
    options: PredictionOptions = DEFAULT_OPTIONS

    @property
    def action(self) -> Action:
        return "predict" if len(self.rows) == 1 else "batch"


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """An answer and its receipt; `tokens` in the answer is the charged part of the hold, if not all of it."""

    answer: Answer
    receipt: Receipt
    replayed: bool = False


class PredictionService:
    def __init__(
        self, answers: FirstAnswers, lookup: ModelLookup, billing: Billing, model_cache: ModelCache
    ) -> None:
        self._answers, self._lookup = answers, lookup
        self._billing, self._model_cache = billing, model_cache

    async def predict(self, caller: Caller, prediction: PredictionInput) -> PredictionResult:
        """Claim the key, load the model, compute, hold, store the answer, settle.

        The answer is stored before it is charged, so that a retry can settle after a crash.
        """
        request = keyed_request(
            caller, prediction.key, prediction.model, prediction.rows, asdict(prediction.options)
        )
        charge = _charge(caller, prediction, hold_key("predict", request))
        async with self._answers.claim(request) as claim:
            if claim.first_answer is not None:
                result = await replay(self._billing, charge, orjson.loads(claim.first_answer))
            else:
                predictor = await self._load(caller, prediction.model)
                # A prediction takes less time than a hold and validates the rows: invalid rows need no hold.
                answer = await _compute(predictor, prediction)
                async with charging(self._billing, charge) as payment:
                    await claim.keep(orjson.dumps(answer))
                result = PredictionResult(answer, payment.receipt)
        log.info(
            "prediction_made",
            model=prediction.model,
            action=prediction.action,
            amount=result.receipt.tokens,
            rows=len(prediction.rows),
            replayed=result.replayed,
        )
        return result

    async def _load(self, caller: Caller, name: str) -> Predictor:
        model = await self._find(caller, name)
        try:
            return await self._model_cache.get(model)
        except ArtefactRefused:
            # The model was deleted since, or its artefact is damaged; the database decides.
            await self._find(caller, name)
            raise

    async def _find(self, caller: Caller, name: str) -> StoredModel:
        model = await self._lookup.find_stored(caller.user_id, name) if is_model_name(name) else None
        if model is None:
            raise ModelNotFound
        return model


async def replay(billing: Billing, charge: Charge, answer: Answer) -> PredictionResult:
    """Return a stored answer; settle its charge, as the first request may have crashed before."""
    receipt = await settle_or_hold_again(billing, charge, answer.get("tokens"))
    return PredictionResult(answer, receipt, replayed=True)


async def _compute(predictor: Predictor, prediction: PredictionInput) -> Answer:
    if len(prediction.rows) <= MAX_ROWS_ON_THE_LOOP:
        predicted = predictor.predict(prediction.rows, prediction.options)
    else:
        predicted = await asyncio.to_thread(predictor.predict, prediction.rows, prediction.options)
    answer: Answer = {
        "predictions": predicted.values,
        "warnings": [asdict(warning) for warning in predicted.warnings],
    }
    if predicted.probabilities is not None:
        classes = [str(label) for label in predictor.classes]
        answer["probabilities"] = [dict(zip(classes, row, strict=True)) for row in predicted.probabilities]
    if predicted.intervals is not None:
        answer["intervals"] = [{"low": low, "high": high} for low, high in predicted.intervals]
    if predicted.label_sets is not None:
        answer["label_sets"] = predicted.label_sets
    return answer


def _charge(caller: Caller, prediction: PredictionInput, key: HoldKey) -> Charge:
    return Charge(
        key=key,
        user_id=caller.user_id,
        action=prediction.action,
        ttl_seconds=HOLD_SECONDS,
        units=len(prediction.rows),
        resource=prediction.model,
        api_key=caller.api_key,
    )
