import httpx
import pytest

from kit.app import LARGEST_JSON

GOOD = {"card": "123456789012", "password": "long enough", "amount": 1}
SENT = "SENT-4929-secret"


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD | {"card": SENT},
        GOOD | {"password": SENT * 3},
        GOOD | {"amount": SENT},
        GOOD | {"amount": True},
        GOOD | {"more": SENT},
        GOOD | {"rate": SENT},
        {"password": SENT},
        [SENT],
        SENT,
    ],
)
async def test_problem_never_repeats_the_body(client: httpx.AsyncClient, wrong: object) -> None:
    response = await client.post("/probe", json=wrong)
    assert response.status_code == 422
    assert SENT not in response.text


async def test_invalid_field_is_named_with_a_sentence(client: httpx.AsyncClient) -> None:
    response = await client.post("/probe", json=GOOD | {"amount": 0})
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["errors"] == [{"pointer": "/body/amount", "detail": "must be more than 0."}]
    assert body["detail"] == "amount: must be more than 0."
    assert (body["status"], body["code"]) == (422, "invalid_input")
    assert body["request_id"] == response.headers["x-request-id"]


async def test_faults_of_a_long_list_are_bounded(client: httpx.AsyncClient) -> None:
    response = await client.post("/probe", json=GOOD | {"rows": [5] * 10_000})
    assert response.status_code == 422
    assert len(response.json()["errors"]) <= 100


async def test_body_that_would_stop_the_event_loop_is_too_large(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for size, status in ((LARGEST_JSON, 422), (LARGEST_JSON + 1, 413)):
        response = await client.post("/probe", content=b"[]" + b" " * (size - 2), headers=headers)
        assert response.status_code == status


async def test_invalid_element_is_named_with_its_list(client: httpx.AsyncClient) -> None:
    body = (await client.post("/probe", json=GOOD | {"rows": [{}, 5]})).json()
    assert body["errors"][0]["pointer"] == "/body/rows/1"
    assert body["detail"].startswith("rows/1: ")


@pytest.mark.parametrize(
    "text",
    [
        '{"amount": NaN}',
        '{"amount": Infinity}',
        '{"amount": 1e999}',
        '{"amount": 1',
        '{"amount": "\\ud800"}',
        "",
        "\x00",
        "[" * 100_000,
    ],
)
async def test_invalid_json_is_malformed(client: httpx.AsyncClient, text: str) -> None:
    response = await client.post("/probe", content=text, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.json()["code"] in ("malformed", "invalid_input")


async def test_long_field_name_is_shortened(client: httpx.AsyncClient) -> None:
    response = await client.post("/probe", json=GOOD | {"x" * 10_000: 1})
    assert response.status_code == 422
    assert len(response.content) < 2_000


async def test_problem_contains_the_errors_members(client: httpx.AsyncClient) -> None:
    body = (await client.get("/probe/conflict")).json()
    assert (body["code"], body["name"]) == ("conflict", "kept")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "route_not_found"),
        ("DELETE", "/probe", 405, "method_not_allowed"),
        ("GET", "/probe/crash", 500, "internal_error"),
        ("GET", "/probe/outage", 503, "unavailable"),
    ],
)
async def test_every_error_response_is_a_problem_document(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code


async def test_crash_response_hides_its_message(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/crash")
    assert "secret of the house" not in response.text
    assert "RuntimeError" not in response.text


async def test_outage_response_has_retry_after(client: httpx.AsyncClient) -> None:
    response = await client.get("/probe/outage")
    assert response.headers["retry-after"] == "1"
    assert "10.0.0.1" not in response.text


async def test_wrong_method_is_405_with_allow(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/probe")).headers["allow"] == "POST"
