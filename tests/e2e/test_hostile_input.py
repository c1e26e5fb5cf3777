"""Hostile input: refused with a 4xx sentence, never charged, and neither echoed nor logged."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from tests.support.course import TrainingForm, create, trained_model
from tests.support.hostile.bodies import BODIES, HostileBody
from tests.support.hostile.credentials import CREDENTIALS, Forge, HostileCredential
from tests.support.hostile.files import FILES, MARKER, HostileFile
from tests.support.hostile.framing import FRAMES, HostileFrame
from tests.support.hostile.raw_socket import send_raw
from tests.support.hostile.training_requests import TRAINING_REQUESTS, HostileTrainingRequest
from tests.support.people import Person, new_user
from tests.support.problems import assert_is_problem
from tests.support.stack import Stack

LOG_SECONDS = 5


@dataclass(frozen=True)
class Sender:
    """A user with a model and 14 tokens, who sends the hostile input."""

    person: Person
    model: str


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sender(http: httpx.AsyncClient) -> Sender:
    person = await new_user(http)
    return Sender(person, await trained_model(person))


@pytest_asyncio.fixture(loop_scope="session")
async def sizes(stack: Stack, sender: Sender) -> AsyncIterator[dict[Path, int]]:
    """The sizes of the logs before the test; verifies afterwards that nothing was charged."""
    balance = await sender.person.balance()
    yield stack.log_sizes()
    assert await sender.person.balance() == balance


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
async def test_hostile_file_is_refused(
    stack: Stack, sender: Sender, sizes: dict[Path, int], case: HostileFile
) -> None:
    response = await create(sender.person, TrainingForm(case.model_type, csv=case.content))
    _assert_refused(response, (case.status,), case.says)
    _assert_not_logged(stack, sizes, response)


@pytest.mark.parametrize("case", TRAINING_REQUESTS, ids=lambda case: case.name)
async def test_hostile_training_request_is_refused(
    stack: Stack, sender: Sender, sizes: dict[Path, int], case: HostileTrainingRequest
) -> None:
    valid = TrainingForm()
    form = {**valid.form(), **case.fields}
    files = valid.files()
    form.pop(case.without or "", None)
    files.pop(case.without or "", None)
    # Without a file httpx would send a urlencoded form.
    response = await sender.person.post("/create", data=form, files=files or {"zq": ("", b"")})
    _assert_refused(response, case.statuses, case.says)
    _assert_not_logged(stack, sizes, response)


@pytest.mark.parametrize("case", BODIES, ids=lambda case: case.name)
async def test_hostile_body_is_refused(
    stack: Stack, sender: Sender, admin: Person, sizes: dict[Path, int], case: HostileBody
) -> None:
    path = case.path.format(model=sender.model, user=sender.person.id)
    media_type = {"Content-Type": case.content_type} if case.content_type else {}
    caller = admin if case.by_admin else sender.person
    response = await caller.request(
        case.method, path, content=case.content, headers=case.headers | media_type
    )
    _assert_refused(response, case.statuses, case.says)
    _assert_not_logged(stack, sizes, response)


@pytest.mark.parametrize("case", CREDENTIALS, ids=lambda case: case.name)
async def test_hostile_credential_is_refused(
    http: httpx.AsyncClient, stack: Stack, sender: Sender, sizes: dict[Path, int], case: HostileCredential
) -> None:
    authorization = case.write(Forge(stack, sender.person))
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await http.get("/v1/me", headers=headers)
    _assert_refused(response, (401,), ())
    _assert_not_logged(stack, sizes, response)


@pytest.mark.parametrize("case", FRAMES, ids=lambda case: case.name)
async def test_hostile_framing_is_refused(stack: Stack, sizes: dict[Path, int], case: HostileFrame) -> None:
    response = await send_raw(stack.url, case.raw)
    _assert_refused(response, case.statuses, ())
    _assert_not_logged(stack, sizes, response)


@pytest.mark.parametrize(
    "name", ["X-User-Id", "X_User_Id", "x-farebox-user", "X-Forwarded-User", "Remote-User"]
)
async def test_identity_headers_of_clients_are_ignored(
    http: httpx.AsyncClient, admin: Person, name: str
) -> None:
    response = await http.get("/v1/me", headers={name: str(admin.id)})
    _assert_refused(response, (401,), ())


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("key", ["", "k" * 201, "with blank", "with\ttab", "\xfcn\xef"])
async def test_hostile_idempotency_key_is_refused(sender: Sender, key: str) -> None:
    response = await sender.person.post(
        f"/v1/models/{sender.model}/predict",
        json={"features": {"x": 1, "noise": 1}},
        headers={"Idempotency-Key": key.encode("latin-1")},
    )
    _assert_refused(response, (400, 422), ())


@pytest.mark.parametrize(
    "query", ["page_token=zqmarker77", "page_token=LTE", "page_size=many", "page_size=1e3"]
)
async def test_hostile_page_token_is_refused(sender: Sender, query: str) -> None:
    _assert_refused(await sender.person.get(f"/v1/me/ledger?{query}"), (400, 422), ())


@pytest.mark.parametrize(
    "path", ["/v1/jobs/{}", "/v1/datasets/{}", "/v1/receipts/{}", "/v1/models/{}", "/trained/{}"]
)
@pytest.mark.parametrize(
    "name", ["0", "-1", str(10**30), "1.5", "null", MARKER, "'; DROP TABLE ml.jobs; --", "🦙"]
)
async def test_invalid_id_is_refused(sender: Sender, path: str, name: str) -> None:
    response = await sender.person.get(path.format(httpx.URL(path=f"/{name}").raw_path.decode()[1:]))
    _assert_refused(response, (404, 422), ())


def _assert_refused(response: httpx.Response, statuses: tuple[int, ...], says: tuple[str, ...]) -> None:
    assert response.status_code in statuses, (response.status_code, response.text[:500])
    problem = assert_is_problem(response)
    received = str(problem["detail"])
    assert [word for word in says if word.lower() not in received.lower()] == [], received
    assert MARKER not in response.text


def _assert_not_logged(stack: Stack, sizes: dict[Path, int], response: httpx.Response) -> None:
    """Wait until the request's own log line is written; the marker would be logged before it."""
    if stack.home is None:
        return
    deadline = time.monotonic() + LOG_SECONDS
    request_id = response.headers["x-request-id"]
    while request_id not in (logged := stack.logged_since(sizes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert request_id in logged
    assert MARKER not in logged
