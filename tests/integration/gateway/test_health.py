"""What administrators are told about the services behind the gateway."""

from tests.integration.gateway.conftest import Running, Start
from tests.integration.gateway.test_aggregate import say
from tests.integration.gateway.upstream import Sibling
from tests.support.tokens import bearer

from local.ports import free_port

ADMIN = bearer(1, role="admin")
FIGURES = b"""# TYPE farebox_jobs gauge
farebox_jobs{state="queued"} 3.0
farebox_jobs{state="running"} 2.0
# TYPE farebox_workers gauge
farebox_workers 4.0
"""


async def test_every_service_is_asked_whether_it_is_ready(gateway: Running, sibling: Sibling) -> None:
    say(sibling, "/readyz", {"status": "ready"})
    say(sibling, "/metrics", FIGURES)
    told = (await gateway.client.get("/v1/health", headers=ADMIN)).json()
    assert [(each["name"], each["ready"], each["detail"]) for each in told["parts"]] == [
        ("auth-service", True, None),
        ("billing-service", True, None),
        ("ml-service", True, None),
    ]
    assert (told["jobs_queued"], told["jobs_running"], told["workers"]) == (3, 2, 4)


async def test_a_service_that_is_not_ready_is_named_and_the_others_are_told_too(
    start: Start, sibling: Sibling
) -> None:
    gateway = await start(ml_url=f"http://127.0.0.1:{free_port()}")
    say(sibling, "/readyz", {"code": "unavailable"}, 503)
    told = (await gateway.client.get("/v1/health", headers=ADMIN)).json()
    assert [each["ready"] for each in told["parts"]] == [False, False, False]
    assert "cannot do its work" in told["parts"][0]["detail"]
    assert "cannot be reached" in told["parts"][2]["detail"]
    assert (told["jobs_queued"], told["jobs_running"], told["workers"]) == (None, None, None)


async def test_it_is_for_administrators_only(gateway: Running) -> None:
    assert (await gateway.client.get("/v1/health", headers=bearer(7))).status_code == 403
    assert (await gateway.client.get("/v1/health")).status_code == 401
