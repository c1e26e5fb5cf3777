"""Route table: every published route, in a tree of path segments."""

import re
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from urllib.parse import unquote

from kit.deadlines import HEADER
from kit.errors import MethodNotAllowed, RouteNotFound


class Upstream(StrEnum):
    AUTH = "auth"
    BILLING = "billing"
    ML = "ml"
    GATEWAY = "gateway"


class Access(Enum):
    PUBLIC = "public"
    CALLER = "caller"


class Body(Enum):
    """Size class of a request's body; the settings define the limits in bytes."""

    JSON = "json"
    ROWS = "rows"
    UPLOAD = "upload"


class LimitClass(StrEnum):
    """A class of routes that share a rate limit."""

    LOGIN = "login"
    SIGN_UP = "sign_up"
    PASSWORD = "password"  # noqa: S105 - the name of a class of requests
    REFRESH = "refresh"
    API_KEY = "api_key"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - the name of a class of requests
    PURCHASE = "purchase"
    UPLOAD = "upload"
    TRAIN = "train"
    PREDICT = "predict"
    EXPORT = "export"
    JOIN = "join"
    GENERAL = "general"
    PAGE = "page"


class Pool(StrEnum):
    """A pool of connections to upstreams: one of each service, and two for what lasts long."""

    AUTH = "auth"
    BILLING = "billing"
    ML = "ml"
    UPLOADS = "uploads"
    STREAMS = "streams"


@dataclass(frozen=True, slots=True)
class Route:
    """A published path. `seconds` is the upstream's time for the complete response, a long body included.

    An event stream lasts as long as its job; there `seconds` is the longest silence.
    """

    methods: tuple[str, ...]
    path: str
    upstream: Upstream
    access: Access = Access.CALLER
    limit: LimitClass | None = LimitClass.GENERAL
    seconds: float = 15
    body: Body = Body.JSON
    is_stream: bool = False
    # Made once, since every request needs them.
    pool: Pool | None = field(init=False, compare=False)
    deadline_headers: tuple[tuple[str, str], ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", self._choose_pool())
        milliseconds = str(round(self.seconds * 1000))
        headers = () if self.is_stream else ((HEADER, milliseconds),)
        object.__setattr__(self, "deadline_headers", headers)

    def _choose_pool(self) -> Pool | None:
        if self.upstream is Upstream.GATEWAY:
            return None
        if self.is_stream:
            return Pool.STREAMS
        return Pool.UPLOADS if self.body is Body.UPLOAD else Pool(self.upstream.value)


AUTH, BILLING, ML, GATEWAY = Upstream
PUBLIC = Access.PUBLIC
GET, POST, PUT, PATCH, DELETE = ("GET",), ("POST",), ("PUT",), ("PATCH",), ("DELETE",)
# Uploads arrive within BODY_SECONDS (600 by default), and the rest is for the work.
UPLOAD_SECONDS = 900.0
BATCH_SECONDS = 1200.0
TRAINING_SECONDS = 1800.0
EVENTS_SECONDS = 120.0

PRODUCT = (
    Route(POST, "/v1/users", AUTH, PUBLIC, LimitClass.SIGN_UP),
    Route(GET, "/v1/users", BILLING),
    Route(("PATCH", "DELETE"), "/v1/users/{id}", AUTH),
    Route(PUT, "/v1/users/{id}/password", AUTH),
    Route(POST, "/v1/users/{id}/grants", BILLING, limit=LimitClass.PURCHASE),
    Route(("GET", "PATCH", "DELETE"), "/v1/me", AUTH),
    Route(PUT, "/v1/me/password", AUTH, limit=LimitClass.PASSWORD),
    Route(GET, "/v1/me/export", GATEWAY, limit=LimitClass.EXPORT, seconds=60),
    Route(GET, "/v1/me/wallet", BILLING),
    Route(GET, "/v1/me/ledger", BILLING, seconds=60),
    Route(GET, "/v1/me/usage", BILLING),
    Route(GET, "/v1/me/funds", BILLING),
    Route(PUT, "/v1/me/payer", BILLING),
    Route(POST, "/v1/sessions", AUTH, PUBLIC, LimitClass.LOGIN),
    Route(POST, "/v1/sessions/refresh", AUTH, PUBLIC, LimitClass.REFRESH),
    Route(DELETE, "/v1/sessions/current", AUTH),
    Route(GET, "/.well-known/jwks.json", AUTH, PUBLIC),
    Route(("POST", "GET"), "/v1/api-keys", AUTH),
    Route(DELETE, "/v1/api-keys/{id}", AUTH),
    Route(("POST", "GET"), "/v1/groups", AUTH),
    Route(("GET", "PATCH", "DELETE"), "/v1/groups/{id}", AUTH),
    Route(GET, "/v1/groups/{id}/members", AUTH),
    Route(("PATCH", "DELETE"), "/v1/groups/{id}/members/me", AUTH),
    Route(("PATCH", "DELETE"), "/v1/groups/{id}/members/{id}", AUTH),
    Route(("POST", "GET"), "/v1/groups/{id}/join-codes", AUTH),
    Route(DELETE, "/v1/groups/{id}/join-codes/{id}", AUTH),
    Route(("GET", "PUT"), "/v1/groups/{id}/roster", AUTH),
    Route(GET, "/v1/groups/{id}/wallet", BILLING),
    Route(GET, "/v1/groups/{id}/ledger", BILLING, seconds=60),
    Route(GET, "/v1/groups/{id}/usage", BILLING, seconds=60),
    Route(POST, "/v1/groups/{id}/grants", BILLING, limit=LimitClass.PURCHASE),
    Route(PUT, "/v1/groups/{id}/payment", BILLING),
    Route(("POST", "GET"), "/v1/groups/{id}/allowance-rules", BILLING),
    Route(PATCH, "/v1/groups/{id}/allowance-rules/{id}", BILLING),
    Route(("POST", "GET"), "/v1/groups/{id}/limits", BILLING),
    Route(DELETE, "/v1/groups/{id}/limits/{id}", BILLING),
    Route(POST, "/v1/memberships", AUTH, limit=LimitClass.JOIN),
    Route(("POST", "GET"), "/v1/groups/{id}/challenges", ML),
    Route(("GET", "PATCH", "DELETE"), "/v1/challenges/{id}", ML),
    Route(POST, "/v1/challenges/{id}/publish", ML, limit=LimitClass.TRAIN),
    Route(POST, "/v1/challenges/{id}/submissions", ML, limit=LimitClass.TRAIN, seconds=60),
    Route(GET, "/v1/challenges/{id}/submissions", ML),
    Route(PUT, "/v1/challenges/{id}/selection", ML),
    Route(GET, "/v1/challenges/{id}/leaderboard", ML),
    Route(GET, "/v1/challenges/{id}/results", ML),
    Route(POST, "/v1/challenges/{id}/finalise", ML),
    Route(GET, "/v1/submissions/{id}", ML),
    Route(POST, "/v1/submissions/{id}/void", ML),
    Route(POST, "/v1/purchases", BILLING, limit=LimitClass.PURCHASE),
    Route(GET, "/v1/receipts/{id}", BILLING),
    Route(GET, "/v1/prices", BILLING, PUBLIC),
    Route(PUT, "/v1/prices/{action}", BILLING),
    Route(POST, "/v1/quotes", BILLING),
    Route(GET, "/v1/ledger", BILLING, seconds=60),
    Route(GET, "/v1/ledger/verify", BILLING, seconds=300),
    Route(GET, "/v1/usage", BILLING, seconds=60),
    Route(POST, "/v1/datasets", ML, limit=LimitClass.UPLOAD, seconds=UPLOAD_SECONDS, body=Body.UPLOAD),
    Route(GET, "/v1/datasets", ML),
    Route(("GET", "DELETE"), "/v1/datasets/{id}", ML, seconds=60),
    Route(PATCH, "/v1/datasets/{id}", ML, limit=LimitClass.UPLOAD, seconds=300),
    Route(GET, "/v1/datasets/{id}/findings", ML, seconds=60),
    Route(GET, "/v1/datasets/{id}/preview", ML),
    Route(GET, "/v1/model-types", ML, PUBLIC),
    Route(POST, "/v1/models", ML, limit=LimitClass.TRAIN, seconds=UPLOAD_SECONDS, body=Body.UPLOAD),
    Route(GET, "/v1/models", ML),
    Route(("GET", "DELETE"), "/v1/models/{name}", ML),
    Route(GET, "/v1/models/{name}/report", ML, seconds=60),
    Route(GET, "/v1/models/{name}/schema", ML),
    Route(GET, "/v1/models/{name}/export", ML, seconds=120),
    Route(POST, "/v1/models/{name}/predict", ML, limit=LimitClass.PREDICT, seconds=120, body=Body.ROWS),
    Route(
        POST, "/v1/models/{name}/batch", ML, limit=LimitClass.UPLOAD, seconds=BATCH_SECONDS, body=Body.UPLOAD
    ),
    Route(GET, "/v1/jobs", ML),
    Route(GET, "/v1/jobs/{id}", ML),
    Route(GET, "/v1/jobs/{id}/events", ML, seconds=EVENTS_SECONDS, is_stream=True),
    Route(GET, "/v1/jobs/{id}/result", ML, seconds=60),
    Route(POST, "/v1/jobs/{id}/cancel", ML),
    Route(GET, "/v1/export-key", ML, PUBLIC),
    Route(GET, "/v1/limits", GATEWAY, PUBLIC),
    Route(GET, "/v1/health", GATEWAY),
    Route(GET, "/v1/diagnosis", GATEWAY, seconds=300),
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
    Route(POST, "/create", ML, limit=LimitClass.TRAIN, seconds=TRAINING_SECONDS, body=Body.UPLOAD),
    Route(POST, "/predict/{model_name}", ML, limit=LimitClass.PREDICT, seconds=120, body=Body.ROWS),
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
    Route(POST, "/train", ML, limit=LimitClass.TRAIN, seconds=TRAINING_SECONDS, body=Body.UPLOAD),
)

OWN = (
    Route(("GET", "HEAD"), "/livez", GATEWAY, PUBLIC, limit=None),
    Route(("GET", "HEAD"), "/readyz", GATEWAY, PUBLIC, limit=None),
    Route(GET, "/docs", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/docs/{service}", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/docs/assets/{file}", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/openapi.json", GATEWAY, PUBLIC, LimitClass.PAGE),
    Route(GET, "/openapi/{service}", GATEWAY, PUBLIC, LimitClass.PAGE),
)

PUBLISHED = (*PRODUCT, *COURSE, *OWN)

PLAIN = r"[A-Za-z0-9._~!$&'()*+,;=:@-]*+"
# Possessive, so that a segment which does not match is not searched again from behind.
SEGMENT = re.compile(f"{PLAIN}(?:%[0-9A-Fa-f]{{2}}{PLAIN})*+")
# An upstream that decodes the path could read these as a separator or as the path's end.
FORBIDDEN_ONCE_DECODED = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(slots=True)
class Branch:
    literal: dict[str, "Branch"] = field(default_factory=dict[str, "Branch"])
    parameter: "Branch | None" = None
    methods: dict[str, Route] = field(default_factory=dict[str, Route])


class RouteTable:
    """A tree of path segments, so that the number of routes does not affect a lookup."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._root = Branch()
        for route in routes:
            self._add(route)

    def find(self, method: str, raw_path: str) -> Route:
        """The route of this undecoded path; raises RouteNotFound or MethodNotAllowed."""
        branch = self._branch_at(raw_path)
        if branch is None or not branch.methods:
            raise RouteNotFound("No route matches this address; the routes are listed at /docs.")
        route = branch.methods.get(method)
        if route is None:
            allowed = ", ".join(sorted(branch.methods))
            raise MethodNotAllowed(
                "This route does not allow that method; see /docs.", headers={"Allow": allowed}
            )
        return route

    def _add(self, route: Route) -> None:
        branch = self._root
        for segment in route.path.split("/")[1:]:
            if segment.startswith("{"):
                branch.parameter = branch = branch.parameter or Branch()
            else:
                branch = branch.literal.setdefault(segment, Branch())
        for method in route.methods:
            branch.methods[method] = route

    def _branch_at(self, raw_path: str) -> Branch | None:
        branch: Branch | None = self._root
        first, *segments = raw_path.split("/")
        if first:
            return None
        for segment in segments:
            child = branch.literal.get(segment)
            if child is None and is_plain(segment):
                child = branch.parameter
            if child is None:
                return None
            branch = child
        return branch


def is_plain(segment: str) -> bool:
    """True for a path segment that every server reads as one segment, decoded or not."""
    if not segment or not SEGMENT.fullmatch(segment):
        return False
    text = unquote(segment) if "%" in segment else segment
    return text not in (".", "..") and not FORBIDDEN_ONCE_DECODED.search(text)
