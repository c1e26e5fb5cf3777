"""Access rule of each published route, with a valid request."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.support.course import TrainingForm
from tests.support.people import PASSWORD, Person, unused_name
from tests.support.tables import line_table

CARD = "4242424242424242"
NEW_PASSWORD = "a new password"
CHALLENGE = {
    "title": "Prices",
    "label": "y",
    "split": {"holdout_share": 0.5, "public_share": 0.5},
    "metric": "r2",
    "opens_at": "2026-01-01T00:00:00Z",
    "closes_at": "2126-01-01T00:00:00Z",
}
FEATURES = {"features": {"x": 1, "noise": 1}}

Arguments = dict[str, Any]  # Any: httpx's request arguments


class Access(Enum):
    """PUBLIC needs no login; ANYONE needs one; the path of OWNER names an object of one user."""

    PUBLIC = "public"
    ANYONE = "anyone"
    OWNER = "owner"
    OWNER_OR_ADMIN = "owner or admin"
    ADMIN = "admin"


@dataclass(frozen=True)
class World:
    """A user with their objects; `ids` fill the placeholders of paths."""

    owner: Person
    refresh_token: str
    ids: dict[str, object]


@dataclass(frozen=True)
class Rule:
    """`send` builds the request's arguments; `also` are further statuses for an allowed caller."""

    access: Access
    send: Callable[[Person, World], Arguments] | None = None
    also: tuple[int, ...] = ()


def _json(body: object) -> Callable[[Person, World], Arguments]:
    return lambda _caller, _world: {"json": body}


def _account(name: str, password: str) -> Callable[[Person, World], Arguments]:
    """A new account, with this dialect's field names."""
    return lambda _caller, _world: {"json": {name: unused_name(), password: PASSWORD}}


def _owner_logs_in(name: str, password: str) -> Callable[[Person, World], Arguments]:
    return lambda _caller, world: {"json": {name: world.owner.name, password: PASSWORD}}


def _to_owner(**more: object) -> Callable[[Person, World], Arguments]:
    return lambda _caller, world: {"json": {"email": world.owner.name, **more}}


def _train_v1(_caller: Person, world: World) -> Arguments:
    return {"json": {"dataset_id": world.ids["dataset_id"], "type": "linear", "label": "y"}}


def _train_first(_caller: Person, _world: World) -> Arguments:
    return {"data": TrainingForm().form(), "files": TrainingForm().files()}


def _train_second(_caller: Person, _world: World) -> Arguments:
    form = {"model_name": "linear", "features": '["x"]', "label": "y", "model_params": "{}"}
    return {"data": form, "files": {"file": ("t.csv", line_table(), "text/csv")}}


def _upload(_caller: Person, _world: World) -> Arguments:
    return {"content": line_table(), "headers": {"Content-Type": "text/csv"}}


def _batch(_caller: Person, _world: World) -> Arguments:
    return {"content": b"x,noise\n1,1\n", "headers": {"Content-Type": "text/csv"}}


def _challenge(_caller: Person, _world: World) -> Arguments:
    return {"json": CHALLENGE}


def _roster(_caller: Person, _world: World) -> Arguments:
    return {"content": b"external_id,name\n1,Ada\n", "headers": {"Content-Type": "text/csv"}}


PUBLIC, ANYONE, OWNER, OWNER_OR_ADMIN, ADMIN = Access

PRODUCT = {
    "POST /v1/users": Rule(PUBLIC, _account("name", "password")),
    "GET /v1/users": Rule(ADMIN),
    "PATCH /v1/users/{user_id}": Rule(ADMIN, _json({"disabled": False})),
    "DELETE /v1/users/{user_id}": Rule(ADMIN),
    "PUT /v1/users/{user_id}/password": Rule(ADMIN, _json({"new_password": NEW_PASSWORD})),
    "POST /v1/users/{user_id}/grants": Rule(ADMIN, _json({"amount": 1, "reason": "a test"})),
    "GET /v1/me": Rule(ANYONE),
    "PATCH /v1/me": Rule(ANYONE, _json({"display_name": "Ada"})),
    "DELETE /v1/me": Rule(ANYONE),
    "PUT /v1/me/password": Rule(ANYONE, _json({"current_password": PASSWORD, "new_password": NEW_PASSWORD})),
    "GET /v1/me/export": Rule(ANYONE),
    "GET /v1/me/wallet": Rule(ANYONE),
    "GET /v1/me/ledger": Rule(ANYONE),
    "GET /v1/me/usage": Rule(ANYONE),
    "GET /v1/me/funds": Rule(ANYONE),
    "PUT /v1/me/payer": Rule(ANYONE, _json({"group_id": None})),
    "POST /v1/sessions": Rule(PUBLIC, _owner_logs_in("name", "password")),
    "POST /v1/sessions/refresh": Rule(
        PUBLIC, lambda _, world: {"json": {"refresh_token": world.refresh_token}}
    ),
    "DELETE /v1/sessions/current": Rule(ANYONE),
    "GET /.well-known/jwks.json": Rule(PUBLIC),
    "POST /v1/api-keys": Rule(ANYONE, _json({"name": "a program"})),
    "GET /v1/api-keys": Rule(ANYONE),
    "DELETE /v1/api-keys/{key_id}": Rule(OWNER),
    "POST /v1/groups": Rule(ANYONE, _json({"name": "Statistics", "kind": "class", "time_zone": "UTC"})),
    "GET /v1/groups": Rule(ANYONE),
    "GET /v1/groups/{group_id}": Rule(OWNER_OR_ADMIN),
    "PATCH /v1/groups/{group_id}": Rule(OWNER, _json({"name": "Statistics 2"})),
    "DELETE /v1/groups/{group_id}": Rule(OWNER),
    "GET /v1/groups/{group_id}/members": Rule(OWNER),
    "PATCH /v1/groups/{group_id}/members/me": Rule(OWNER, _json({"alias": "Falcon"})),
    # The group has no other owner, so this one receives 409.
    "DELETE /v1/groups/{group_id}/members/me": Rule(OWNER, also=(409,)),
    "DELETE /v1/groups/{group_id}/members/{user_id}": Rule(OWNER, also=(409,)),
    "PATCH /v1/groups/{group_id}/members/{user_id}": Rule(OWNER_OR_ADMIN, _json({"role": "owner"})),
    "POST /v1/groups/{group_id}/join-codes": Rule(OWNER, _json({"max_uses": 30})),
    "GET /v1/groups/{group_id}/join-codes": Rule(OWNER),
    "DELETE /v1/groups/{group_id}/join-codes/{code_id}": Rule(OWNER),
    "GET /v1/groups/{group_id}/roster": Rule(OWNER),
    "PUT /v1/groups/{group_id}/roster": Rule(OWNER, _roster),
    "GET /v1/groups/{group_id}/wallet": Rule(OWNER_OR_ADMIN),
    "GET /v1/groups/{group_id}/ledger": Rule(OWNER_OR_ADMIN),
    "GET /v1/groups/{group_id}/usage": Rule(OWNER_OR_ADMIN),
    "POST /v1/groups/{group_id}/grants": Rule(ADMIN, _json({"amount": 1, "reason": "a test"})),
    "PUT /v1/groups/{group_id}/payment": Rule(OWNER, _json({"pays_from": ["allowance", "pool"]})),
    "POST /v1/groups/{group_id}/allowance-rules": Rule(OWNER, _json({"amount": 5, "every": "P1W"})),
    "GET /v1/groups/{group_id}/allowance-rules": Rule(OWNER_OR_ADMIN),
    "PATCH /v1/groups/{group_id}/allowance-rules/{rule_id}": Rule(OWNER, _json({"stopped": True})),
    "POST /v1/groups/{group_id}/limits": Rule(OWNER, _json({"amount": 5, "every": "P1D"})),
    "GET /v1/groups/{group_id}/limits": Rule(OWNER_OR_ADMIN),
    "DELETE /v1/groups/{group_id}/limits/{limit_id}": Rule(OWNER),
    # There is no such code, so every caller receives 404.
    "POST /v1/memberships": Rule(ANYONE, _json({"code": "00000-00000"}), also=(404,)),
    "POST /v1/groups/{group_id}/challenges": Rule(OWNER, _challenge),
    "GET /v1/groups/{group_id}/challenges": Rule(OWNER),
    "GET /v1/challenges/{challenge_id}": Rule(OWNER),
    "PATCH /v1/challenges/{challenge_id}": Rule(OWNER, _json({"title": "Prices 2"})),
    "DELETE /v1/challenges/{challenge_id}": Rule(OWNER),
    # The draft has no dataset yet, so its owner receives 404.
    "POST /v1/challenges/{challenge_id}/publish": Rule(OWNER, also=(404,)),
    # The challenge is a draft, so there is nothing to submit and no model to submit.
    "POST /v1/challenges/{challenge_id}/submissions": Rule(OWNER, _json({"model": "1_none"}), also=(404,)),
    "GET /v1/challenges/{challenge_id}/submissions": Rule(OWNER),
    "PUT /v1/challenges/{challenge_id}/selection": Rule(OWNER, _json({"submissions": []}), also=(409,)),
    "GET /v1/challenges/{challenge_id}/leaderboard": Rule(OWNER),
    "GET /v1/challenges/{challenge_id}/results": Rule(OWNER),
    # The challenge is a draft, so its owner receives 409.
    "POST /v1/challenges/{challenge_id}/finalise": Rule(OWNER, also=(409,)),
    # There is no submission, so every caller receives 404.
    "GET /v1/submissions/{submission_id}": Rule(OWNER, also=(404,)),
    "POST /v1/submissions/{submission_id}/void": Rule(OWNER, _json({"reason": "a test"}), also=(404,)),
    "POST /v1/purchases": Rule(ANYONE, _json({"amount": 1, "credit_card": CARD})),
    "GET /v1/receipts/{receipt_id}": Rule(OWNER_OR_ADMIN),
    "GET /v1/prices": Rule(PUBLIC),
    "PUT /v1/prices/{action}": Rule(ADMIN, _json({"tokens": 5})),
    "POST /v1/quotes": Rule(ANYONE, _json({"action": "train"})),
    "GET /v1/ledger": Rule(ADMIN),
    "GET /v1/ledger/verify": Rule(ADMIN),
    "GET /v1/usage": Rule(ADMIN),
    "POST /v1/datasets": Rule(ANYONE, _upload),
    "GET /v1/datasets": Rule(ANYONE),
    "GET /v1/datasets/{dataset_id}": Rule(OWNER),
    "PATCH /v1/datasets/{dataset_id}": Rule(OWNER, _json({"kinds": {"x": "number"}})),
    "DELETE /v1/datasets/{dataset_id}": Rule(OWNER),
    "GET /v1/datasets/{dataset_id}/findings": Rule(OWNER, lambda _, __: {"params": {"label": "y"}}),
    "GET /v1/datasets/{dataset_id}/preview": Rule(OWNER),
    "GET /v1/model-types": Rule(PUBLIC),
    "GET /v1/export-key": Rule(PUBLIC),
    "POST /v1/models": Rule(OWNER, _train_v1),
    "GET /v1/models": Rule(ANYONE),
    "GET /v1/models/{name}": Rule(OWNER),
    "DELETE /v1/models/{name}": Rule(OWNER),
    "GET /v1/models/{name}/schema": Rule(OWNER),
    "GET /v1/models/{name}/report": Rule(OWNER),
    "POST /v1/models/{name}/predict": Rule(OWNER, _json(FEATURES)),
    "POST /v1/models/{name}/batch": Rule(OWNER, _batch),
    "GET /v1/models/{name}/export": Rule(OWNER),
    "GET /v1/jobs": Rule(ANYONE),
    "GET /v1/jobs/{job_id}": Rule(OWNER),
    "GET /v1/jobs/{job_id}/events": Rule(OWNER),
    # The job trained a model, so the owner receives 404: it has no result.
    "GET /v1/jobs/{job_id}/result": Rule(OWNER, also=(404,)),
    # The job has ended, so the owner receives 409.
    "POST /v1/jobs/{job_id}/cancel": Rule(OWNER, also=(409,)),
    "GET /v1/limits": Rule(PUBLIC),
    "GET /v1/health": Rule(ADMIN),
    "GET /v1/diagnosis": Rule(ADMIN),
}

COURSE = {
    "POST /user/create": Rule(PUBLIC, _account("email", "pwd")),
    "POST /user/login": Rule(PUBLIC, _owner_logs_in("email", "pwd")),
    "GET /user/tokens": Rule(ANYONE),
    "POST /user/reset_password": Rule(
        ANYONE, lambda caller, _: {"json": {"email": caller.name, "new_password": NEW_PASSWORD}}
    ),
    "DELETE /user/remove_user": Rule(ADMIN, lambda _, world: {"json": {"user_id": world.owner.id}}),
    "GET /models": Rule(PUBLIC),
    "GET /trained": Rule(ANYONE),
    "GET /trained/{model_name}": Rule(OWNER),
    "POST /create": Rule(ANYONE, _train_first),
    "POST /predict/{model_name}": Rule(OWNER, _json(FEATURES)),
    "DELETE /delete/{model_name}": Rule(OWNER),
    "GET /admin/users": Rule(ADMIN),
    "POST /admin/users/{user_id}/tokens": Rule(ADMIN, _to_owner(credit_card=CARD, amount=1)),
    "POST /admin/users/{user_id}/reset_password": Rule(ADMIN, _to_owner(new_password=NEW_PASSWORD)),
    "DELETE /admin/users/{user_id}": Rule(ADMIN),
    "POST /signup": Rule(PUBLIC, _account("username", "password")),
    "POST /login": Rule(PUBLIC, _owner_logs_in("username", "password")),
    "DELETE /remove_user": Rule(PUBLIC, _owner_logs_in("username", "password")),
    "GET /tokens/{username}": Rule(OWNER_OR_ADMIN),
    "POST /add_tokens": Rule(
        ANYONE, lambda caller, _: {"json": {"username": caller.name, "credit_card": CARD, "amount": 1}}
    ),
    "POST /train": Rule(ANYONE, _train_second),
}

RULES = {**PRODUCT, **COURSE}
