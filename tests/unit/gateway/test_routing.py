"""Route table: only published paths are found."""

import pytest

from gateway.routing import PUBLISHED, Access, RouteTable, Upstream
from kit.errors import MethodNotAllowed, RouteNotFound

TABLE = RouteTable(PUBLISHED)

HOSTILE = [
    "",
    "/",
    "*",
    "v1/me",
    "/v1",
    "/v1/",
    "/v1/me/",
    "//v1/me",
    "/v1//me",
    "/V1/me",
    "/v1/ME",
    "/v1/me?x",
    "/v1/%6De",
    "/%761/me",
    "/internal/trust",
    "/internal/operations",
    "/v1/../internal/trust",
    "/v1/models/../../internal/trust",
    "/v1/models/..",
    "/v1/models/.",
    "/v1/models/%2e%2e",
    "/v1/models/.%2E",
    "/v1/models/%2e",
    "/v1/models/a%2Fb",
    "/v1/models/a%2fpredict",
    "/v1/models/..%2f..%2finternal",
    "/v1/models/a%5Cb",
    "/v1/models/a\\b",
    "/v1/models/a%00",
    "/v1/models/a%0d%0aX:1",
    "/v1/models/a%7f",
    "/v1/models/a%",
    "/v1/models/a%2",
    "/v1/models/a%zz",
    "/v1/models/a b",
    "/v1/models/{name}",
    "/v1/models/<a>",
    "/v1/models/é",
    "/v1/models/",
    "/v1/models/a/b/c",
    "/predict",
    "/predict/",
    "/predict/a/b",
    "/metrics",
    "/docs/assets/..%2f..%2fsettings.py",
    "/docs/assets/../x",
    "http://elsewhere/internal/trust",
    "/openapi.json/..",
    "/static-offline-docs/swagger-ui.css",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_path_outside_the_table_is_not_found(path: str) -> None:
    with pytest.raises(RouteNotFound):
        TABLE.find("GET", path)


@pytest.mark.parametrize("route", PUBLISHED, ids=lambda route: f"{'-'.join(route.methods)} {route.path}")
def test_published_route_is_found_for_each_of_its_methods(route: object) -> None:
    path = "/".join("x" if segment.startswith("{") else segment for segment in route.path.split("/"))  # pyright: ignore
    assert {TABLE.find(method, path) for method in route.methods} == {route}  # pyright: ignore


@pytest.mark.parametrize(
    ("method", "path", "upstream"),
    [
        ("POST", "/v1/users", Upstream.AUTH),
        ("GET", "/v1/users", Upstream.BILLING),
        ("GET", "/admin/users", Upstream.BILLING),
        ("DELETE", "/admin/users/3", Upstream.AUTH),
        ("POST", "/admin/users/3/tokens", Upstream.BILLING),
        ("POST", "/admin/users/3/reset_password", Upstream.AUTH),
        ("GET", "/v1/me", Upstream.AUTH),
        ("GET", "/v1/me/wallet", Upstream.BILLING),
        ("GET", "/v1/me/export", Upstream.GATEWAY),
        ("GET", "/tokens/ann%40example.org", Upstream.BILLING),
        ("GET", "/trained/7_knn_caf%C3%A9", Upstream.ML),
    ],
)
def test_route_leads_to_the_owning_service(method: str, path: str, upstream: Upstream) -> None:
    assert TABLE.find(method, path).upstream is upstream


def test_method_not_allowed_lists_allowed_methods() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        TABLE.find("PUT", "/v1/me")
    assert refused.value.headers["Allow"] == "DELETE, GET, PATCH"


def test_each_method_and_path_is_published_once() -> None:
    published = [(method, route.path) for route in PUBLISHED for method in route.methods]
    assert len(published) == len(set(published))


def test_no_internal_route_is_published() -> None:
    assert not [route for route in PUBLISHED if route.path.startswith("/internal")]


def test_only_these_routes_are_public() -> None:
    public = {route.path for route in PUBLISHED if route.access is Access.PUBLIC}
    own = {route.path for route in PUBLISHED if route.upstream is Upstream.GATEWAY} - {"/v1/me/export"}
    assert public - own == {
        "/v1/users",
        "/v1/sessions",
        "/v1/sessions/refresh",
        "/.well-known/jwks.json",
        "/v1/prices",
        "/v1/model-types",
        "/v1/export-key",
        "/user/create",
        "/user/login",
        "/models",
        "/signup",
        "/login",
        "/remove_user",
    }
