"""Assertions about problem documents."""

import httpx

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
INTERNALS = ("Traceback", 'File "', "SELECT ", "INSERT ", "site-packages", "/src/")


def assert_problem(response: httpx.Response, status: int, code: str | None = None) -> dict[str, object]:
    """Assert that the response is a problem document with this status and a sentence; returns it."""
    assert response.status_code == status, (response.status_code, response.text)
    return assert_is_problem(response, code)


def assert_is_problem(response: httpx.Response, code: str | None = None) -> dict[str, object]:
    assert response.headers["content-type"].partition(";")[0] == "application/problem+json", response.text
    problem = response.json()
    assert problem.keys() >= MEMBERS, problem
    assert problem["status"] == response.status_code
    assert problem["request_id"] == response.headers["x-request-id"]
    detail = problem["detail"]
    assert len(detail.split()) >= 3, detail
    assert detail.endswith((".", "!", "?")), detail
    assert not any(secret in response.text for secret in INTERNALS), response.text
    if code is not None:
        assert problem["code"] == code, problem
    if response.status_code == 401:
        assert response.headers["www-authenticate"].startswith("Bearer")
    if response.status_code in {429, 503}:
        assert int(response.headers["retry-after"]) >= 1
    return problem
