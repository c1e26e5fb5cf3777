"""Service of predictions: charge each request once, then predict its rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import structlog

from kit.idempotency import FirstAnswers
from kit.identity import Caller
from ml_service.billing.charges import Charges, charge_key, keyed_request
from ml_service.billing.port import Action, Charge, ChargeKey, Receipt
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import (
    DEFAULT_OPTIONS,
    ArtefactRefused,
    EncodedRows,
    PredictionOptions,
    Predictor,
)
from ml_service.models.model_cache import ModelCache, ModelLookup
from ml_service.models.repository import StoredModel

# A prediction of so few rows takes less time than the start of a thread.
MAX_ROWS_ON_THE_LOOP = 50

Rows = Sequence[dict[str, Any]]  # Any: cells of every kind
Answer = dict[str, Any]  # Any: lists of values, probabilities, intervals, label sets and warnings

# Marks a stored answer; one of the previous release has a hold instead. The next release drops the mark.
CHARGED = "charged"

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
    """An answer and its receipt."""

    answer: Answer
    receipt: Receipt
    replayed: bool = False


class PredictionService:
    def __init__(
        self, answers: FirstAnswers, lookup: ModelLookup, charges: Charges, model_cache: ModelCache
    ) -> None:
        self._answers, self._charges = answers, charges
        self._lookup, self._model_cache = lookup, model_cache

    async def predict(self, caller: Caller, prediction: PredictionInput) -> PredictionResult:
        """Claim the key, find the model, encode the rows, charge, score, store the answer.

        Nothing is scored before it is paid. If scoring or storing fails, the charge is refunded.
        """
        request = keyed_request(
            caller, prediction.key, prediction.model, prediction.rows, prediction.options.to_json()
        )
        charge = _charge(caller, prediction, charge_key("predict", request))
        async with self._answers.claim(request) as claim:
            if claim.first_answer is not None:
                result = await self._replay(charge, orjson.loads(claim.first_answer))
            else:
                predictor = await self._load(caller, prediction.model)
                encoded = await _encode(predictor, prediction)
                async with self._charges.charging(charge, repeatable=prediction.key is not None) as receipt:
                    answer = await _score(predictor, encoded, prediction.options)
                    if prediction.key is not None:
                        await claim.keep(orjson.dumps(answer | {CHARGED: True}))
                result = PredictionResult(answer, receipt)
        log.info(
            "prediction_made",
            model=prediction.model,
            action=prediction.action,
            amount=result.receipt.tokens,
            rows=len(prediction.rows),
            replayed=result.replayed,
        )
        return result

    async def _replay(self, charge: Charge, answer: Answer) -> PredictionResult:
        """Return a stored answer; it is charged again only if the charge was refunded after it was stored."""
        if answer.pop(CHARGED, False):
            _, receipt = await self._charges.charge_again(charge)
        else:
            receipt = await self._charges.settle(charge)
        return PredictionResult(answer, receipt, replayed=True)

    async def _load(self, caller: Caller, name: str) -> Predictor:
        model = await self._find(caller, name)
        try:
            return await self._model_cache.get(model)
        except ArtefactRefused:
            # The model was deleted since, or its artefact is damaged; the database decides.
            self._lookup.forget(caller.user_id)
            await self._find(caller, name)
            raise

    async def _find(self, caller: Caller, name: str) -> StoredModel:
        model = await self._lookup.find_stored(caller.user_id, name)
        if model is None:
            raise ModelNotFound
        return model


async def _encode(predictor: Predictor, prediction: PredictionInput) -> EncodedRows:
    """Validate rows and options, and encode the rows."""
    if len(prediction.rows) <= MAX_ROWS_ON_THE_LOOP:
        encoded = predictor.encode(prediction.rows)
    else:
        encoded = await asyncio.to_thread(predictor.encode, prediction.rows)
    predictor.check(prediction.options)
    return encoded


async def _score(predictor: Predictor, encoded: EncodedRows, options: PredictionOptions) -> Answer:
    if len(encoded.matrix) <= MAX_ROWS_ON_THE_LOOP:
        predicted = predictor.score(encoded, options)
    else:
        predicted = await asyncio.to_thread(predictor.score, encoded, options)
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


def _charge(caller: Caller, prediction: PredictionInput, key: ChargeKey) -> Charge:
    return Charge(
        key=key,
        user_id=caller.user_id,
        action=prediction.action,
        units=len(prediction.rows),
        resource=prediction.model,
        api_key=caller.api_key,
    )
