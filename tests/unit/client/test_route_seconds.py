"""Time-outs of the client: longer than the gateway's, whose answer says what happened."""

import httpx
import pytest
from tests.unit.client.gateway import Caller, Gateway, problem

from farebox.calls import route_seconds
from gateway.routing import PRODUCT, Route

REFRESH = "/v1/sessions/refresh"
# Room for the answer's way through balancers and proxies.
MARGIN_SECONDS = 5


@pytest.mark.parametrize("route", PRODUCT, ids=lambda route: f"{'|'.join(route.methods)} {route.path}")
def test_client_waits_longer_than_the_gateway(route: Route) -> None:
    path = route.path.replace("{id}", "7").replace("{name}", "1_m").replace("{action}", "predict")
    assert "{" not in path
    for method in route.methods:
        assert route_seconds(method, path) >= route.seconds + MARGIN_SECONDS


@pytest.mark.parametrize(
    "operation",
    [
        lambda client: client.predictions.one("1_m", {"x": 1}),
        lambda client: client.predictions.many("1_m", [{"x": 1}]),
        lambda client: client.models.batch("1_m", b"x\n1\n", "out.csv"),
        lambda client: client.models.start_batch("1_m", b"x\n1\n"),
        lambda client: client.datasets.upload(b"x\n1\n", name="x.csv"),
        lambda client: client.datasets.correct(7, {"x": "text"}),
        lambda client: client.datasets.delete(7),
        lambda client: client.datasets.findings(7, "x"),
        lambda client: client.me.export(),
        lambda client: client.wallet.ledger_csv(),
        lambda client: client.wallet.ledger(),
        lambda client: client.admin.usage(),
        lambda client: client.admin.verify_ledger(),
        lambda client: client.models.report("1_m"),
        lambda client: client.models.export("1_m", "out.zip"),
        lambda client: client.jobs.result(7, "out.csv"),
    ],
)
def test_each_request_waits_as_long_as_its_route(
    caller: Caller, gateway: Gateway, operation: object, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(Exception, match="Do it differently"):
        caller.run(operation)  # pyright: ignore[reportArgumentType] - either client
    request: httpx.Request = gateway.requests[-1]
    routes = [route for route in PRODUCT if request.method in route.methods and _matches(route, request)]
    assert len(routes) == 1
    assert request.extensions["timeout"]["read"] >= routes[0].seconds + MARGIN_SECONDS


def test_lost_refresh_is_noticed_while_its_token_is_still_accepted(caller: Caller, gateway: Gateway) -> None:
    gateway.on("GET", "/v1/me", problem(401, "token_expired"))
    gateway.on("POST", REFRESH, problem(503, "unavailable"))
    with pytest.raises(Exception, match="Do it differently"):
        caller.run(lambda client: client.me.get())
    assert gateway.requests_to("POST", REFRESH)[0].extensions["timeout"]["read"] < 10


def _matches(route: Route, request: httpx.Request) -> bool:
    template, segments = route.path.split("/"), request.url.path.split("/")
    pairs = zip(template, segments, strict=False)
    return len(template) == len(segments) and all(a == b or a.startswith("{") for a, b in pairs)
