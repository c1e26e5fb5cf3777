"""Service of predictions: charge each request once, then predict its rows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
import structlog

from kit.database import Json
from kit.deadlines import remaining_seconds
from kit.errors import DeadlinePassed, IdempotencyKeyExpired
from kit.fault_points import fault_point
from kit.idempotency import Claim, FirstAnswers, KeyedRequest
from kit.identity import Caller
from ml_service.billing.charges import Charges, charge_key, keyed_request, with_payer
from ml_service.billing.port import Charge, ChargeKey, Receipt
from ml_service.billing.stored_answers import StoredAnswer
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
from ml_service.predictions.answers import Answer
from ml_service.predictions.large_requests import (
    MOST_INLINE_BYTES,
    Dialect,
    PredictionTask,
    StoredPredictor,
)
from ml_service.predictions.schemas import Row
from ml_service.predictions.scoring import Scoring, is_large
from ml_service.store.fair_slots import FairSlots
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.process_pool import within
from ml_service.store.quota import StorageQuota

# A larger model is loaded after the charge: who cannot pay must not make the service load it.
MOST_UNPAID_BYTES = 8 * 1024 * 1024
# Bodies of large requests in memory, and requests of one user that wait to be read.
BODIES, WAITING_PER_USER, WAITING = 2, 2, 50

# Members of a stored answer: the key of its charge, and an answer that was rendered in a process, as text or
# by the name of its file. The previous release stored True for the key; the one before held for predictions.
CHARGED, CONTENT, LOCATION, SIZE = "charged", "content", "location", "size_bytes"

log = structlog.stdlib.get_logger()


@dataclass(frozen=True, slots=True)
class PredictionInput:
    """Rows for a model, and options; `key` is the caller's Idempotency-Key."""

    model: str
    rows: list[Row]
    key: str | None
    options: PredictionOptions = DEFAULT_OPTIONS


@dataclass(frozen=True, slots=True)
class LargeInput:
    """A request whose body is too large for the event loop; `read` receives it."""

    model: str
    dialect: Dialect
    key: str | None
    read: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class PredictionResult:
    """An answer and its receipt. `content` is an answer that was rendered in a process."""

    answer: Answer
    receipt: Receipt
    replayed: bool = False
    content: bytes | None = None


class Body(NamedTuple):
    content: bytes
    dialect: Dialect


class PaidClaim(NamedTuple):
    """A claim, and the key under which its work was charged."""

    claim: Claim
    key: ChargeKey


class PreparedRows(NamedTuple):
    predictor: Predictor
    encoded: EncodedRows


@dataclass(frozen=True)
class PredictionFiles:
    """Stores of the files that a reader process reads and writes, and their quota."""

    artefacts: Artefacts
    results: Results
    quota: StorageQuota


@dataclass(frozen=True)
class PredictionService:
    answers: FirstAnswers
    lookup: ModelLookup
    charges: Charges
    model_cache: ModelCache
    scoring: Scoring
    files: PredictionFiles
    bodies: FairSlots = field(default_factory=lambda: FairSlots(BODIES, WAITING_PER_USER, WAITING))

    async def predict(self, caller: Caller, prediction: PredictionInput) -> PredictionResult:
        """Claim the key, find the model, encode the rows, charge, score, store the answer.

        Nothing is scored before it is paid. If scoring or storing fails, the charge is refunded.
        """
        request = keyed_request(
            caller, prediction.key, prediction.model, prediction.rows, prediction.options.to_json()
        )
        charge = _charge(caller, prediction.model, len(prediction.rows), charge_key("predict", request))
        if prediction.key is None:
            result = await self._predict(caller, prediction, charge, Claim(self.answers, request))
        else:
            result = await self._predict_once(caller, prediction, charge, request)
        _log_prediction(charge, result)
        return result

    async def predict_large(self, caller: Caller, prediction: LargeInput) -> PredictionResult:
        """Read the request in a process for its number of rows, charge, and predict it in a process.

        Its rows are encoded after the charge, since that is work, too; invalid rows are refunded.
        """
        model = await self._find(caller, prediction.model)
        async with within(remaining_seconds(), DeadlinePassed()), self.bodies.slot(caller.user_id):
            body = await prediction.read()
            summary = await self.scoring.summarise(caller.user_id, body, prediction.dialect, model.name)
            digest = with_payer(caller, summary.digest) if prediction.key is not None else b""
            request = KeyedRequest(str(caller.user_id), prediction.key, digest)
            charge = _charge(caller, model.name, summary.rows, charge_key("predict", request))
            async with self.answers.claim(request) as claim:
                if claim.first_answer is not None:
                    result = await self._replay(charge, claim, orjson.loads(claim.first_answer))
                else:
                    if claim.has_key:
                        # The answer may be stored as a file.
                        await self.files.quota.require_room(caller.user_id)
                    async with self.charges.charging(charge, claim) as (paid, receipt):
                        content = await self._predict_in_process(
                            caller, model, Body(body, prediction.dialect), PaidClaim(claim, paid)
                        )
                    result = PredictionResult({}, receipt, content=content)
        _log_prediction(charge, result)
        return result

    async def _predict_once(
        self, caller: Caller, prediction: PredictionInput, charge: Charge, request: KeyedRequest
    ) -> PredictionResult:
        """The stored answer to the request's key, or a new one."""
        async with self.answers.claim(request) as claim:
            if claim.first_answer is not None:
                return await self._replay(charge, claim, orjson.loads(claim.first_answer))
            return await self._predict(caller, prediction, charge, claim)

    async def _predict(
        self, caller: Caller, prediction: PredictionInput, charge: Charge, claim: Claim
    ) -> PredictionResult:
        model = await self._find(caller, prediction.model)
        pays_first = model.loaded_bytes > MOST_UNPAID_BYTES and self.model_cache.find(model.id) is None
        prepared = None if pays_first else await self._prepare(caller, prediction, model)
        async with self.charges.charging(charge, claim) as (key, receipt):
            fault_point("prediction charged")
            predictor, encoded = prepared or await self._prepare(caller, prediction, model)
            if is_large(len(prediction.rows), predictor, prediction.options):
                body, paid = _to_body(prediction), PaidClaim(claim, key)
                content = await self._predict_in_process(caller, model, body, paid)
                return PredictionResult({}, receipt, content=content)
            answer = await self.scoring.score(caller.user_id, predictor, encoded, prediction.options)
            if prediction.key is not None:
                fault_point("prediction scored")
                await claim.keep(orjson.dumps(answer | {CHARGED: key}))
        fault_point("prediction stored")
        return PredictionResult(answer, receipt)

    async def _prepare(self, caller: Caller, prediction: PredictionInput, model: StoredModel) -> PreparedRows:
        """Load the model, validate rows and options, and encode the rows."""
        try:
            predictor = await self.model_cache.get(caller.user_id, model)
        except ArtefactRefused:
            await self._require_stored(caller, model)
            raise
        self.scoring.require_in_time(predictor, len(prediction.rows))
        encoded = await self.scoring.encode(caller.user_id, predictor, prediction.rows)
        predictor.check(prediction.options)
        return PreparedRows(predictor, encoded)

    async def _predict_in_process(
        self, caller: Caller, model: StoredModel, body: Body, paid: PaidClaim
    ) -> bytes:
        """Predict in a process and store the answer; returns its members as JSON."""
        artefacts, location = self.files.artefacts, self.files.results.name_new()
        predictor = StoredPredictor(
            artefacts.store_url, artefacts.key(model.artefact), orjson.dumps(model.files)
        )
        stores_at = location if paid.claim.has_key else None
        task = PredictionTask(*body, predictor, self.scoring.seconds, stores_at)
        try:
            content = await self.scoring.predict(caller.user_id, task)
        except ArtefactRefused:
            await self._require_stored(caller, model)
            raise
        if len(content) > MOST_INLINE_BYTES:
            answer = {LOCATION: location, SIZE: len(content), CHARGED: paid.key}
            await paid.claim.keep(orjson.dumps(answer), location=location)
        else:
            await paid.claim.keep(orjson.dumps({CONTENT: content.decode(), CHARGED: paid.key}))
        return content

    async def _replay(self, charge: Charge, claim: Claim, stored: Json) -> PredictionResult:
        """Return a stored answer; it is charged again only if the charge was refunded after it was stored."""
        content = await self._read_content(stored)
        if CHARGED not in stored:
            return PredictionResult(stored, await self.charges.settle(charge), replayed=True)
        _, receipt = await self.charges.charge_again(charge, claim, StoredAnswer(claim, stored, CHARGED))
        answer = {name: value for name, value in stored.items() if name != CHARGED}
        return PredictionResult(answer, receipt, replayed=True, content=content)

    async def _read_content(self, stored: Json) -> bytes | None:
        if CONTENT in stored:
            return stored[CONTENT].encode()
        if LOCATION not in stored:
            return None
        location, size, results = stored[LOCATION], stored[SIZE], self.files.results
        if not await results.exists(location, size):
            raise IdempotencyKeyExpired
        return b"".join([chunk async for chunk in results.read(location, once=False, size=size)])

    async def _find(self, caller: Caller, name: str) -> StoredModel:
        model = await self.lookup.find_stored(caller.user_id, name)
        if model is None:
            raise ModelNotFound
        return model

    async def _require_stored(self, caller: Caller, model: StoredModel) -> None:
        """Raises ModelNotFound if the model was deleted since it was looked up; the database decides."""
        self.lookup.forget(caller.user_id)
        await self._find(caller, model.name)


def _charge(caller: Caller, model: str, rows: int, key: ChargeKey) -> Charge:
    return Charge(
        key=key,
        user_id=caller.user_id,
        action="predict" if rows == 1 else "batch",
        units=rows,
        resource=model,
        api_key=caller.api_key,
        group_id=caller.group_id,
    )


def _to_body(prediction: PredictionInput) -> Body:
    return Body(orjson.dumps({"rows": prediction.rows, **prediction.options.to_json()}), "v1")


def _log_prediction(charge: Charge, result: PredictionResult) -> None:
    log.info(
        "prediction_made",
        model=charge.resource,
        action=charge.action,
        amount=result.receipt.tokens,
        rows=charge.units,
        replayed=result.replayed,
    )
