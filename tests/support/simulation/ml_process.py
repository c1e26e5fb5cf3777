"""Simulated process of ml-service: its real services and billing client; models and files are trivial."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from itertools import count
from types import SimpleNamespace
from typing import Any, Literal

from kit.deadlines import start_deadline
from kit.identity import Caller, UserId
from ml_service.billing.charges import Charges
from ml_service.billing.holds import Holds
from ml_service.billing.http import HttpBilling
from ml_service.billing.port import Receipt
from ml_service.billing.refunds import Refunds
from ml_service.learning import batches
from ml_service.learning.batches import BatchResult, BatchTask
from ml_service.learning.predictors import DEFAULT_OPTIONS
from ml_service.learning.tables import DEFAULT_LIMITS
from ml_service.models.repository import StoredModel
from ml_service.predictions.batch_service import BatchFiles, BatchInput, BatchService
from ml_service.predictions.service import (
    PredictionFiles,
    PredictionInput,
    PredictionResult,
    PredictionService,
)
from tests.support.simulation.billing_server import BillingServer
from tests.support.simulation.network import SimulatedClient
from tests.support.simulation.processes import Process, World
from tests.support.simulation.stores import SimulatedAnswers, SimulatedRefunds, Tables

# Work of some requests outlasts the patience of their clients.
QUICK_SECONDS, SLOW_SECONDS = 0.5, 8.0
FAILURE = 0.15


class WorkFailed(Exception):
    """The paid work fails."""


@dataclass(frozen=True)
class Work:
    """What a client wants: `resource` names it in the books, since each request has a model of its own."""

    resource: str
    user: UserId
    kind: Literal["prediction", "batch"]
    rows: int
    good: int
    key: str | None
    deadline_ms: bytes | None


class MlProcess(Process):
    """A process that serves requests and sends recorded refunds, those of killed processes, too."""

    def __init__(self, world: World, name: str, server: BillingServer, tables: Tables) -> None:
        super().__init__(world, name)
        identity: Any = SimpleNamespace(headers_for=lambda _audience: {})
        client: Any = SimulatedClient(self, server)
        billing = HttpBilling(client, identity, "")
        refunds = Refunds(SimulatedRefunds(self, tables), billing)
        answers, models, files = SimulatedAnswers(self, tables), Models(self), ResultFiles(self, tables)
        self._predictions = PredictionService(
            *(answers, models, Charges(billing, refunds), models, models),  # type: ignore[arg-type] - see Models
            files=PredictionFiles(None, None, None),  # type: ignore[arg-type] - no request is large
        )
        self._batches = BatchService(
            *(answers, models, billing, Holds(billing, refunds)),  # type: ignore[arg-type] - see Models
            files=BatchFiles(files, files, files, models, DEFAULT_LIMITS, files),  # type: ignore[arg-type] - as above
            jobs=None,  # type: ignore[arg-type] - no file becomes a job
            database=None,  # type: ignore[arg-type] - as above
            max_rows_at_once=100,
        )
        self.sending = asyncio.create_task(refunds.run())

    async def serve(self, work: Work) -> Receipt:
        """Serve one request; raises its error."""
        await self.live()
        start_deadline(work.deadline_ms)
        caller = Caller(work.user, "user", 1, None, None, 0)
        if work.kind == "prediction":
            rows = [{"x": 1.0}] * work.rows
            result = await self._predictions.predict(caller, PredictionInput(work.resource, rows, work.key))
        else:
            batch = BatchInput(work.resource, DEFAULT_OPTIONS, work.key)
            result = await self._batches.predict(caller, batch, _receive(work))
        assert isinstance(result, PredictionResult)
        await self.live()
        return result.receipt


def _receive(work: Work) -> Callable[[Any], Any]:  # Any: the upload is the work
    async def receive(upload: SimpleNamespace) -> None:
        upload.key, upload.sha256 = f"{work.rows} {work.good}", work.resource.encode()

    return receive


class Models:
    """In place of lookup, cache, scoring and readers: each model exists, and its work takes time or fails."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def find_stored(self, _user: UserId, name: str) -> StoredModel:
        return StoredModel(1, name, "m", {}, 1)

    async def get(self, _user: UserId, _model: StoredModel) -> Any:  # Any: a predictor is not needed
        return SimpleNamespace(check=lambda _options: None)

    def require_in_time(self, _predictor: object, _rows: int) -> None:
        """Every estimate is in time."""

    async def encode(self, _user: UserId, _predictor: object, rows: list[object]) -> list[object]:
        return rows

    async def score(self, *_arguments: object) -> dict[str, object]:
        await self._work()
        return {"predictions": []}

    async def run(self, work: object, task: BatchTask, *_arguments: object, **_limits: object) -> object:
        rows, good = map(int, task.rows.split())
        if work is batches.count_rows:
            return rows
        assert work is batches.predict
        await self._work()
        return BatchResult(good, 1, "csv")

    async def _work(self) -> None:
        world = self._process.world
        await self._process.pause(SLOW_SECONDS if world.happens(0.2) else QUICK_SECONDS)
        if world.happens(FAILURE):
            raise WorkFailed


class ResultFiles:
    """In place of uploads, artefacts and results: names of files."""

    store_url = ""

    def __init__(self, process: Process, tables: Tables) -> None:
        self._process, self._files, self._names = process, tables.files, count()

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncGenerator[SimpleNamespace]:
        async def finish() -> None:
            await self._process.pause()

        yield SimpleNamespace(finish=finish)

    def key(self, name: str) -> str:
        return name

    def name_new(self) -> str:
        name = f"{self._process.name}/{next(self._names)}"
        self._files.add(name)
        return name

    async def admit(self, *_request: object) -> None:
        """There is always room."""

    require_room = admit

    async def exists(self, name: str, _size: int | None = None) -> bool:
        return await self._process.step(lambda: name in self._files)

    async def delete(self, name: str) -> None:
        await self._process.step(lambda: self._files.discard(name))
