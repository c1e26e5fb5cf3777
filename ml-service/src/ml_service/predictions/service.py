"""Predictions of rows, each request charged by itself."""

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
# Fewer rows are predicted before a thread would have started.
MAX_ROWS_ON_THE_LOOP = 50

Rows = Sequence[dict[str, Any]]  # Any: cells of every kind
Answer = dict[str, Any]  # Any: lists of values, probabilities, intervals, label sets and warnings

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class PredictionInput:
    """Rows for a model, and the results wanted; `key` is the caller's Idempotency-Key."""

    model: str
    rows: Rows
    key: str | None
    options: PredictionOptions = DEFAULT_OPTIONS

    @property
    def action(self) -> Action:
        return "predict" if len(self.rows) == 1 else "batch"


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """An answer and its receipt; `tokens` in the answer is the part of the hold that it cost, if not all."""

    answer: Answer
    receipt: Receipt
    replayed: bool = False


class PredictionService:
    def __init__(
        self, answers: FirstAnswers, lookup: ModelLookup, billing: Billing, model_cache: ModelCache
    ) -> None:
        self._answers, self._lookup = answers, lookup
        self._billing, self._model_cache = billing, model_cache

    async def predict(self, caller: Caller, wanted: PredictionInput) -> PredictionResult:
        """Claim the key, load the model, compute, hold, store the answer, settle.

        The answer is stored before it is paid for, so a retry can finish what a dead process began.
        """
        request = keyed_request(caller, wanted.key, wanted.model, wanted.rows, asdict(wanted.options))
        charge = _charge(caller, wanted, hold_key("predict", request))
        async with self._answers.claim(request) as claim:
            if claim.first_answer is not None:
                result = await replay(self._billing, charge, orjson.loads(claim.first_answer))
            else:
                predictor = await self._load(caller, wanted.model)
                # Predicting validates the rows and takes less time than a hold: bad rows never get one.
                answer = await _compute(predictor, wanted)
                async with charging(self._billing, charge) as payment:
                    await claim.keep(orjson.dumps(answer))
                result = PredictionResult(answer, payment.receipt)
        log.info(
            "prediction_made",
            model=wanted.model,
            action=wanted.action,
            amount=result.receipt.tokens,
            rows=len(wanted.rows),
            replayed=result.replayed,
        )
        return result

    async def _load(self, caller: Caller, name: str) -> Predictor:
        model = await self._find(caller, name)
        try:
            return await self._model_cache.get(model)
        except ArtefactRefused:
            # Deleted since it was found, or damaged: the database knows which.
            await self._find(caller, name)
            raise

    async def _find(self, caller: Caller, name: str) -> StoredModel:
        model = await self._lookup.find_stored(caller.user_id, name) if is_model_name(name) else None
        if model is None:
            raise ModelNotFound
        return model


async def replay(billing: Billing, charge: Charge, answer: Answer) -> PredictionResult:
    """A stored answer; settles its charge should the first request have died before it."""
    receipt = await settle_or_hold_again(billing, charge, answer.get("tokens"))
    return PredictionResult(answer, receipt, replayed=True)


async def _compute(predictor: Predictor, wanted: PredictionInput) -> Answer:
    if len(wanted.rows) <= MAX_ROWS_ON_THE_LOOP:
        predicted = predictor.predict(wanted.rows, wanted.options)
    else:
        predicted = await asyncio.to_thread(predictor.predict, wanted.rows, wanted.options)
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


def _charge(caller: Caller, wanted: PredictionInput, key: HoldKey) -> Charge:
    return Charge(
        key=key,
        user_id=caller.user_id,
        action=wanted.action,
        ttl_seconds=HOLD_SECONDS,
        units=len(wanted.rows),
        resource=wanted.model,
        api_key=caller.api_key,
    )
