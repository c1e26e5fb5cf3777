"""Access to every route: anonymous callers and API keys by scope."""

import re

import pytest
from tests.integration.ml.service import ADA, BOB, Service
from tests.support.tokens import bearer

ROUTES = [
    ("POST", "/v1/datasets", "train"),
    ("GET", "/v1/datasets", "read"),
    ("GET", "/v1/datasets/1", "read"),
    ("GET", "/v1/datasets/1/preview", "read"),
    ("GET", "/v1/datasets/1/findings", "read"),
    ("PATCH", "/v1/datasets/1", "train"),
    ("DELETE", "/v1/datasets/1", "train"),
    ("POST", "/v1/models", "train"),
    ("GET", "/v1/models", "read"),
    ("GET", "/v1/models/1_m", "read"),
    ("GET", "/v1/models/1_m/schema", "read"),
    ("DELETE", "/v1/models/1_m", "train"),
    ("GET", "/v1/models/1_m/report", "read"),
    ("GET", "/v1/models/1_m/export", "read"),
    ("POST", "/v1/models/1_m/predict", "predict"),
    ("POST", "/v1/models/1_m/batch", "predict"),
    ("GET", "/v1/jobs", "read"),
    ("GET", "/v1/jobs/1", "read"),
    ("GET", "/v1/jobs/1/events", "read"),
    ("GET", "/v1/jobs/1/result", "read"),
    ("POST", "/v1/jobs/1/cancel", "train"),
    ("GET", "/v1/me/export", None),
    ("POST", "/v1/groups/1/challenges", "train"),
    ("GET", "/v1/groups/1/challenges", "read"),
    ("GET", "/v1/challenges/1", "read"),
    ("PATCH", "/v1/challenges/1", "train"),
    ("DELETE", "/v1/challenges/1", "train"),
    ("POST", "/v1/challenges/1/publish", "train"),
    ("POST", "/v1/challenges/1/submissions", "train"),
    ("GET", "/v1/challenges/1/submissions", "read"),
    ("PUT", "/v1/challenges/1/selection", "train"),
    ("GET", "/v1/challenges/1/leaderboard", "read"),
    ("GET", "/v1/challenges/1/results", "read"),
    ("POST", "/v1/challenges/1/finalise", "train"),
    ("GET", "/v1/submissions/1", "read"),
    ("POST", "/v1/submissions/1/void", "train"),
    ("GET", "/trained", "read"),
    ("GET", "/trained/1_m", "read"),
    ("POST", "/create", "train"),
    ("POST", "/train", "train"),
    ("POST", "/predict/1_m", "predict"),
    ("DELETE", "/delete/1_m", "train"),
]
OF_ONE_MODEL = [
    (method, path) for method, path, _ in ROUTES if method != "POST" and path.startswith("/v1/models/1_m")
]
PARAMETER = re.compile(r"\{(\w+)\}")
OPEN = {"/v1/model-types", "/v1/limits", "/v1/export-key", "/models"}


def _short(parameter: re.Match[str]) -> str:
    return "{name}" if "name" in parameter[1] else "{id}"


async def test_table_has_every_published_route(idle: Service) -> None:
    paths = idle.app.openapi()["paths"]
    published = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    listed = {(method, path.replace("/1_m", "/{name}").replace("/1", "/{id}")) for method, path, _ in ROUTES}
    plain = {(method, PARAMETER.sub(_short, path)) for method, path in published if path not in OPEN}
    assert plain == listed


@pytest.mark.parametrize(("method", "path", "_scope"), ROUTES)
async def test_anonymous_caller_is_refused(idle: Service, method: str, path: str, _scope: str) -> None:
    answer = await idle.client.request(method, path, json={})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_api_key_without_the_scope_is_refused(
    idle: Service, method: str, path: str, scope: str | None
) -> None:
    others = [name for name in ("read", "train", "predict") if name != scope]
    key = {"id": 1, "scopes": others, "cap": None}
    answer = await idle.client.request(method, path, json={}, headers=bearer(ADA, api_key=key))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(("method", "path"), OF_ONE_MODEL)
async def test_model_of_another_user_is_not_found(idle: Service, model: str, method: str, path: str) -> None:
    answer = await idle.client.request(method, path.replace("1_m", model), headers=bearer(BOB))
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
