"""The one table of what is published: what is not in it does not exist for clients."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from gateway.admission.rates import LimitClass


class Upstream(StrEnum):
    AUTH = "auth"
    BILLING = "billing"
    ML = "ml"
    GATEWAY = "gateway"


class Access(Enum):
    PUBLIC = "public"
    CALLER = "caller"


class Body(Enum):
    """How large a request's body may be; the figures are settings."""

    JSON = "json"
    ROWS = "rows"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Route:
    """One published path. `seconds` is how long the upstream may be silent."""

    methods: tuple[str, ...]
    path: str
    upstream: Upstream
    access: Access = Access.CALLER
    limit: LimitClass | None = LimitClass.GENERAL
    seconds: float = 15
    body: Body = Body.JSON


AUTH, BILLING, ML, GATEWAY = Upstream
PUBLIC = Access.PUBLIC
GET, POST, PUT, PATCH, DELETE = ("GET",), ("POST",), ("PUT",), ("PATCH",), ("DELETE",)
LONGEST_TRAINING = 1800.0
EVENTS_SILENCE = 120.0

PRODUCT = (
    Route(POST, "/v1/users", AUTH, PUBLIC, LimitClass.SIGN_UP),
    Route(GET, "/v1/users", BILLING),
    Route(("PATCH", "DELETE"), "/v1/users/{id}", AUTH),
    Route(PUT, "/v1/users/{id}/password", AUTH),
    Route(POST, "/v1/users/{id}/grants", BILLING, limit=LimitClass.PURCHASE),
    Route(("GET", "PATCH", "DELETE"), "/v1/me", AUTH),
    Route(PUT, "/v1/me/password", AUTH, limit=LimitClass.PASSWORD),
    Route(GET, "/v1/me/export", GATEWAY, seconds=60),
    Route(GET, "/v1/me/wallet", BILLING),
    Route(GET, "/v1/me/ledger", BILLING, seconds=60),
    Route(GET, "/v1/me/usage", BILLING),
    Route(POST, "/v1/sessions", AUTH, PUBLIC, LimitClass.LOGIN),
    Route(POST, "/v1/sessions/refresh", AUTH, PUBLIC, LimitClass.REFRESH),
    Route(DELETE, "/v1/sessions/current", AUTH),
    Route(GET, "/.well-known/jwks.json", AUTH, PUBLIC),
    Route(("POST", "GET"), "/v1/api-keys", AUTH),
    Route(DELETE, "/v1/api-keys/{id}", AUTH),
    Route(POST, "/v1/purchases", BILLING, limit=LimitClass.PURCHASE),
    Route(GET, "/v1/receipts/{id}", BILLING),
    Route(GET, "/v1/prices", BILLING, PUBLIC),
    Route(PUT, "/v1/prices/{action}", BILLING),
    Route(POST, "/v1/quotes", BILLING),
    Route(GET, "/v1/ledger", BILLING, seconds=60),
    Route(GET, "/v1/ledger/verify", BILLING, seconds=300),
    Route(GET, "/v1/usage", BILLING, seconds=60),
    Route(POST, "/v1/datasets", ML, limit=LimitClass.UPLOAD, seconds=300, body=Body.UPLOAD),
    Route(GET, "/v1/datasets", ML),
    Route(("GET", "DELETE"), "/v1/datasets/{id}", ML, seconds=60),
    Route(PATCH, "/v1/datasets/{id}", ML, limit=LimitClass.UPLOAD, seconds=300),
    Route(GET, "/v1/datasets/{id}/findings", ML, seconds=60),
    Route(GET, "/v1/datasets/{id}/preview", ML),
    Route(GET, "/v1/model-types", ML, PUBLIC),
    Route(POST, "/v1/models", ML, limit=LimitClass.TRAIN, seconds=300, body=Body.UPLOAD),
    Route(GET, "/v1/models", ML),
    Route(("GET", "DELETE"), "/v1/models/{name}", ML),
    Route(GET, "/v1/models/{name}/report", ML, seconds=60),
    Route(GET, "/v1/models/{name}/schema", ML),
    Route(GET, "/v1/models/{name}/export", ML, seconds=120),
    Route(POST, "/v1/models/{name}/predict", ML, limit=LimitClass.PREDICT, seconds=60, body=Body.ROWS),
    Route(POST, "/v1/models/{name}/batch", ML, limit=LimitClass.UPLOAD, seconds=600, body=Body.UPLOAD),
    Route(GET, "/v1/jobs", ML),
    Route(GET, "/v1/jobs/{id}", ML),
    Route(GET, "/v1/jobs/{id}/events", ML, seconds=EVENTS_SILENCE),
    Route(GET, "/v1/jobs/{id}/result", ML, seconds=60),
    Route(POST, "/v1/jobs/{id}/cancel", ML),
    Route(GET, "/v1/limits", GATEWAY, PUBLIC),
    Route(GET, "/v1/health", GATEWAY),
)

COURSE = (
    Route(POST, "/user/create", AUTH, PUBLIC, LimitClass.SIGN_UP),
    Route(POST, "/user/login", AUTH, PUBLIC, LimitClass.LOGIN),
    Route(GET, "/user/tokens", BILLING),
    Route(POST, "/user/reset_password", AUTH, limit=LimitClass.PASSWORD),
    Route(DELETE, "/user/remove_user", AUTH),
    Route(GET, "/models", ML, PUBLIC),
    Route(GET, "/trained", ML),
    Route(GET, "/trained/{model_name}", ML),
    Route(POST, "/create", ML, limit=LimitClass.TRAIN, seconds=LONGEST_TRAINING, body=Body.UPLOAD),
    Route(POST, "/predict/{model_name}", ML, limit=LimitClass.PREDICT, seconds=60, body=Body.ROWS),
    Route(DELETE, "/delete/{model_name}", ML),
    Route(GET, "/admin/users", BILLING),
    Route(POST, "/admin/users/{id}/tokens", BILLING, limit=LimitClass.PURCHASE),
    Route(POST, "/admin/users/{id}/reset_password", AUTH),
    Route(DELETE, "/admin/users/{id}", AUTH),
    Route(POST, "/signup", AUTH, PUBLIC, LimitClass.SIGN_UP),
    Route(POST, "/login", AUTH, PUBLIC, LimitClass.LOGIN),
    Route(DELETE, "/remove_user", AUTH, PUBLIC, LimitClass.LOGIN),
    Route(GET, "/tokens/{username}", BILLING),
    Route(POST, "/add_tokens", BILLING, limit=LimitClass.PURCHASE),
    Route(POST, "/train", ML, limit=LimitClass.TRAIN, seconds=LONGEST_TRAINING, body=Body.UPLOAD),
)

OWN = (
    Route(("GET", "HEAD"), "/livez", GATEWAY, PUBLIC, limit=None),
    Route(("GET", "HEAD"), "/readyz", GATEWAY, PUBLIC, limit=None),
    Route(GET, "/docs", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/docs/{part}", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/docs/assets/{file}", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/openapi.json", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/openapi/{part}", GATEWAY, PUBLIC, LimitClass.PAGE),
)

PUBLISHED = (*PRODUCT, *COURSE, *OWN)
