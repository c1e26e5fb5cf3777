"""Predictions, paid for one by one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

import structlog

from kit.idempotency import fingerprint
from kit.identity import Caller
from ml_service.billing.charging import charged
from ml_service.billing.port import Billing, Charge, HoldKey
from ml_service.errors import ModelNotFound
from ml_service.learning.predictors import DEFAULT_OPTIONS, ArtefactRefused, PredictionOptions, Predictor
from ml_service.models.lookup_repository import ModelLookup
from ml_service.models.repository import StoredModel
from ml_service.models.rules import is_a_name
from ml_service.predictions.once import Answered, AnswersOnce, Keyed
from ml_service.predictions.registry import ModelRegistry

HOLD_SECONDS = 30
# Fewer are done before a thread would have started.
ROWS_ON_THE_LOOP = 50

Rows = Sequence[dict[str, Any]]  # Any: cells of every kind
Answer = dict[str, Any]  # Any: a list of each kind of thing that was asked for, and of warnings
Keep = Callable[[Answer], Awaitable[None]]
log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of which model; `key` is the caller's Idempotency-Key."""

    model: str
    rows: Rows
    key: str | None
    asked: PredictionOptions = DEFAULT_OPTIONS


class PredictionService:
    def __init__(
        self, answers: AnswersOnce, lookup: ModelLookup, billing: Billing, registry: ModelRegistry
    ) -> None:
        self._answers, self._lookup = answers, lookup
        self._billing, self._registry = billing, registry

    async def predict(self, caller: Caller, question: Question) -> Answered:
        """Hold, predict, settle. With a key the answer is kept before it is paid for."""
        if question.key is None:
            charge = _charge(caller, question, uuid4().hex)
            predicted = await self._predict(caller, charge, question, None)
        else:
            predicted = await self._predict_once(caller, question, question.key)
        log.info(
            "prediction_made",
            model=question.model,
            action=_action(question),
            amount=predicted.receipt.tokens,
            rows=len(question.rows),
            replayed=predicted.replayed,
        )
        return predicted

    async def _predict(
        self, caller: Caller, charge: Charge, question: Question, keep: Keep | None
    ) -> Answered:
        predictor = await self._get_predictor(caller, question.model)
        # Predicting is what validates the rows, and takes less time than a hold: bad rows never get one.
        answer = await _compute(predictor, question.rows, question.asked)

        async def hand_out() -> Answer:
            if keep is not None:
                await keep(answer)
            return answer

        answer, receipt = await charged(self._billing, charge, hand_out)
        return Answered(answer, receipt)

    async def _predict_once(self, caller: Caller, question: Question, key: str) -> Answered:
        request = Keyed(
            caller.user_id, key, fingerprint(question.model, question.rows, asdict(question.asked))
        )
        charge = _charge(caller, question, request.operation)

        async def keep(answer: Answer) -> None:
            await self._answers.keep(request, answer)

        async def predict() -> Answered:
            return await self._predict(caller, charge, question, keep)

        return await self._answers.once(request, predict, lambda first: self._answers.replay(first, charge))

    async def _get_predictor(self, caller: Caller, name: str) -> Predictor:
        model = await self._get_stored(caller, name)
        try:
            return await self._registry.get(model)
        except ArtefactRefused:
            # Deleted since we looked, or damaged: the database knows which.
            await self._get_stored(caller, name)
            raise

    async def _get_stored(self, caller: Caller, name: str) -> StoredModel:
        model = await self._lookup.find_stored(caller.user_id, name) if is_a_name(name) else None
        if model is None:
            raise ModelNotFound
        return model


async def _compute(predictor: Predictor, rows: Rows, asked: PredictionOptions) -> Answer:
    if len(rows) <= ROWS_ON_THE_LOOP:
        made = predictor.predict(rows, asked)
    else:
        made = await asyncio.to_thread(predictor.predict, rows, asked)
    answer: Answer = {
        "predictions": made.values,
        "warnings": [asdict(each) for each in made.warnings],
    }
    if made.probabilities is not None:
        classes = [str(each) for each in predictor.classes]
        answer["probabilities"] = [dict(zip(classes, each, strict=True)) for each in made.probabilities]
    if made.intervals is not None:
        answer["intervals"] = [{"low": low, "high": high} for low, high in made.intervals]
    if made.label_sets is not None:
        answer["label_sets"] = made.label_sets
    return answer


def _action(question: Question) -> str:
    return "predict" if len(question.rows) == 1 else "batch"


def _charge(caller: Caller, question: Question, key: str) -> Charge:
    return Charge(
        key=HoldKey(f"predict:{key}"),
        user_id=caller.user_id,
        action="predict" if len(question.rows) == 1 else "batch",
        ttl_seconds=HOLD_SECONDS,
        units=len(question.rows),
        resource=question.model,
        api_key=caller.api_key,
    )
