"""Hooks of Schemathesis: who sends each request, bodies that do something, and a count of the answers.

Loaded by Schemathesis's own process, as SCHEMATHESIS_HOOKS says. Requests that end a login or an account come
from a throw-away user or concern one, so that the users of the other requests stay as they are.
"""

import atexit
import json
import os
import threading
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis import Case, HookContext, Response

from tests.fuzz.links import FEATURES, TABLE, add_links
from tests.support.people import PASSWORD, unused_name

GATEWAY = os.environ["FUZZ_GATEWAY"]
BEARER = f"Bearer {os.environ['FUZZ_TOKEN']}"
COUNTS = Path(os.environ["FUZZ_COUNTS"])
# The administrator, and the users of the requests.
PROTECTED = set(os.environ["FUZZ_PROTECTED"].split(","))
ENDS_LOGIN = {
    "DELETE /v1/me",
    "PATCH /v1/me",
    "PUT /v1/me/password",
    "DELETE /v1/sessions/current",
    "DELETE /remove_user",
    "POST /user/reset_password",
}
CREATED = 201
LARGEST_PRICE = 5
COURSE_TRAINING = {"label_col": "y", "feature_cols": "a,b", "model_type": "linear", "csv_file": TABLE}
OTHER_COURSE_TRAINING = {"label": "y", "features": '["a", "b"]', "model_name": "linear", "file": TABLE}
BODIES: dict[str, dict[str, Any]] = {
    "POST /v1/datasets": {"text/csv": TABLE, "multipart/form-data": {"file": TABLE}},
    "POST /create": {"multipart/form-data": COURSE_TRAINING},
    "POST /train": {"multipart/form-data": OTHER_COURSE_TRAINING},
    "POST /v1/models/{name}/predict": {"application/json": {"features": FEATURES}},
    "POST /predict/{model_name}": {"application/json": {"features": FEATURES}},
    "POST /v1/models/{name}/batch": {"text/csv": b"a,b\n1,2\n3,4\n"},
}


class ThrowAwayUser:
    """A user for requests that end a login or an account; renewed after each success."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self.renew()

    def renew(self) -> None:
        self.name = unused_name("away")
        created = self._http.post("/v1/users", json={"name": self.name, "password": PASSWORD})
        assert created.status_code == CREATED, created.text
        self.id = created.json()["id"]
        login = self._http.post("/v1/sessions", json={"name": self.name, "password": PASSWORD})
        assert login.status_code == CREATED, login.text
        self.bearer = f"Bearer {login.json()['access_token']}"


counts: Counter[str] = Counter()
lock = threading.Lock()
away = ThrowAwayUser(httpx.Client(base_url=GATEWAY, timeout=60))


@schemathesis.hook
def before_load_schema(_context: HookContext, raw_schema: dict[str, Any]) -> None:
    add_links(raw_schema)


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    label, is_chosen = case.operation.label, _is_chosen(case)
    is_sent_by_away = label in ENDS_LOGIN
    case.headers["Authorization"] = away.bearer if is_sent_by_away else BEARER
    if is_chosen and case.media_type in BODIES.get(label, {}):
        case.body = BODIES[label][case.media_type]
    if is_chosen and is_sent_by_away and isinstance(case.body, dict):
        own = {"username": away.name, "email": away.name, "password": PASSWORD, "current_password": PASSWORD}
        case.body = {name: own.get(name, value) for name, value in case.body.items()}
    if "user_id" in case.path_parameters and (is_chosen or str(case.path_parameters["user_id"]) in PROTECTED):
        case.path_parameters["user_id"] = away.id
    if label == "DELETE /user/remove_user" and isinstance(case.body, dict):
        is_protected = str(case.body.get("user_id")) in PROTECTED
        case.body |= {"user_id": away.id} if is_chosen or is_protected else {}
    if label == "PUT /v1/prices/{action}" and isinstance(case.body, dict):
        # Beyond this price nobody could pay for the other requests.
        tokens = case.body.get("tokens")
        case.body |= {"tokens": tokens % LARGEST_PRICE} if isinstance(tokens, int) and tokens > 0 else {}


@schemathesis.hook
def after_call(_context: HookContext, case: Case, response: Response) -> None:
    label = case.operation.label
    with lock:
        counts[f"{label} {response.status_code}"] += 1
        ends_user = label in ENDS_LOGIN or "{user_id}" in label or label == "DELETE /user/remove_user"
        if ends_user and response.status_code < httpx.codes.MULTIPLE_CHOICES:
            away.renew()


def _is_chosen(case: Case) -> bool:
    """True for every second case; the same for the same case, so that a failure can be repeated."""
    return zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode()) % 2 == 0


@atexit.register
def _write_counts() -> None:
    COUNTS.write_text(json.dumps(counts))
