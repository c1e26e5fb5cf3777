"""Batches and exports over HTTP, with real files and readers but no database, so without keys."""

import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI
from tests.support.memory_refunds import MemoryRefunds
from tests.support.problems import assert_problem
from tests.support.unreliable_billing import UnreliableBilling

from kit.authentication import current_caller
from kit.idempotency import FirstAnswers
from kit.identity import Caller, UserId
from kit.problems import install_problem_handlers
from kit.request_context import RequestContextMiddleware
from ml_service.billing.holds import Holds
from ml_service.billing.refunds import Refunds
from ml_service.exports.endpoints import ExportRules, ExportService, key_router
from ml_service.exports.endpoints import router as exports
from ml_service.exports.signing import derive_signing_key, public_key_of
from ml_service.learning.tables import DEFAULT_LIMITS
from ml_service.learning.training import TrainingSpec
from ml_service.learning.training.pipeline import train
from ml_service.learning.training.results import TrainingResult
from ml_service.models.repository import StoredModel
from ml_service.orm import Model, first_answers
from ml_service.predictions.batch_endpoints import router as batches
from ml_service.predictions.batch_service import BatchFiles, BatchService
from ml_service.store.files import Files
from ml_service.store.outputs import Artefacts, Results
from ml_service.store.process_pool import ProcessPool
from ml_service.store.uploads import Uploads

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[4] / "data"
FEATURES = ("age", "bmi", "bp", "s5")
ADA, GRANT, NAME = UserId(1), 100, "1_diabetes"
GOOD, BAD = b"51,26.3,87.5,4.6\n", b"old,26.3,87.5,4.6\n"
HEADER = b"age,bmi,bp,s5\n"
CSV = {"Content-Type": "text/csv"}


SIGNING_KEY = derive_signing_key(b"a secret of thirty-two characters")


class OneModel:
    """Ada's only model, in place of lookup and service."""

    def __init__(self, result: TrainingResult) -> None:
        self._result = result
        self.size_bytes = 1_000_000

    async def find_stored(self, user_id: UserId, name: str) -> StoredModel | None:
        return StoredModel(1, NAME, "m", self._result.files, 1) if (user_id, name) == (ADA, NAME) else None

    async def get(self, _user_id: UserId, name: str) -> Model:
        description = self._result.to_json()
        files = description.pop("files")
        return Model(
            name=name,
            artefact="m",
            files=files,
            size_bytes=self.size_bytes,
            description=description,
            ready_at=datetime.now(UTC),
        )


async def has_room(*_request: object) -> None:
    pass


ROOM = SimpleNamespace(admit=has_room, require_room=has_room)


@pytest.fixture
def billing() -> UnreliableBilling:
    billing = UnreliableBilling()
    billing.grant(ADA, GRANT)
    return billing


@pytest.fixture
def model(tmp_path: Path) -> OneModel:
    spec = TrainingSpec("linear", FEATURES, "target")
    return OneModel(train(DATA / "diabetes.csv", spec, tmp_path / "artefacts" / "m"))


@pytest.fixture
async def client(
    tmp_path: Path, billing: UnreliableBilling, model: OneModel
) -> AsyncIterator[httpx.AsyncClient]:
    files, readers = Files(f"file://{tmp_path}"), ProcessPool(1)
    artefacts, results = Artefacts(files), Results(files)
    rules = ExportRules(1_000_000, SIGNING_KEY)
    service = BatchService(
        answers=FirstAnswers(None, first_answers),  # type: ignore[arg-type] - unused without keys
        lookup=model,  # type: ignore[arg-type] - it has the one method that is used
        billing=billing,
        holds=Holds(billing, Refunds(MemoryRefunds(), billing)),
        files=BatchFiles(
            *(Uploads(files, 1_000_000), artefacts, results, readers, DEFAULT_LIMITS),
            quota=ROOM,  # type: ignore[arg-type] - it has the methods that are used
        ),
        jobs=None,  # type: ignore[arg-type] - no file here is large enough for a job
        database=None,  # type: ignore[arg-type] - as above
        max_rows_at_once=100_000,
    )
    app = FastAPI()
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    app.include_router(batches)
    app.include_router(exports)
    app.include_router(key_router)
    app.dependency_overrides[current_caller] = lambda: Caller(ADA, "user", 1, None, None, time.time() + 60)
    app.state.container = SimpleNamespace(
        batches=service,
        exports=ExportService(model, artefacts, results, readers, rules),  # type: ignore[arg-type] - as above
        billing=billing,
        charges=None,
        queue_estimates=None,
    )
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://ml") as client:
        yield client


def stored_files(folder: Path) -> list[Path]:
    return [file for name in ("uploads", "results") for file in (folder / name).glob("*")]


async def test_good_rows_are_charged_and_no_file_is_left(
    client: httpx.AsyncClient, billing: UnreliableBilling, tmp_path: Path
) -> None:
    answer = await client.post(
        f"/v1/models/{NAME}/batch", content=HEADER + GOOD * 1500 + BAD * 501, headers=CSV
    )
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines()
    assert lines[0] == "age,bmi,bp,s5,prediction,error"
    assert lines[-1] == "old,26.3,87.5,4.6,,'age': It must be a number."
    headers = {name: answer.headers[name] for name in ("X-Tokens-Charged", "X-Rows", "X-Rows-Failed")}
    assert headers == {"X-Tokens-Charged": "10", "X-Rows": "2001", "X-Rows-Failed": "501"}
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert (billing.balance(ADA), billing.held(ADA), stored_files(tmp_path)) == (GRANT - 10, 0, [])


async def test_unaffordable_file_is_not_predicted(
    client: httpx.AsyncClient, billing: UnreliableBilling, tmp_path: Path
) -> None:
    answer = await client.post(f"/v1/models/{NAME}/batch", content=HEADER + GOOD * 20_001, headers=CSV)
    problem = assert_problem(answer, 402, "not_enough_tokens")
    assert (problem["required"], problem["available"]) == (105, GRANT)
    assert (billing.held(ADA), stored_files(tmp_path)) == (0, [])


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("1_other", HEADER + GOOD, 404, "model_not_found"),
        (NAME, b"age\n1\n", 422, "batch_column_missing"),
        (NAME, HEADER + GOOD * 60_000, 413, "dataset_too_large"),
    ],
)
async def test_unusable_file_is_refused_and_free(
    client: httpx.AsyncClient, billing: UnreliableBilling, name: str, content: bytes, status: int, code: str
) -> None:
    assert_problem(await client.post(f"/v1/models/{name}/batch", content=content, headers=CSV), status, code)
    assert billing.balance(ADA) == GRANT
    assert "hold" not in billing.calls


async def test_large_model_is_not_exported(client: httpx.AsyncClient, model: OneModel) -> None:
    model.size_bytes = 1_000_001
    assert_problem(await client.get(f"/v1/models/{NAME}/export"), 422, "export_too_large")


async def test_key_of_signatures_is_published(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/export-key")
    assert answer.json() == {"algorithm": "Ed25519", "public_key": public_key_of(SIGNING_KEY)}


async def test_model_is_exported_as_a_bundle(client: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await client.get(f"/v1/models/{NAME}/export")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as bundle:
        manifest = json.loads(bundle.read("MANIFEST.json"))
        assert {*manifest["files"], "MANIFEST.json", "MANIFEST.sig"} == set(bundle.namelist())
    assert manifest["model"] == NAME
    assert stored_files(tmp_path) == []
