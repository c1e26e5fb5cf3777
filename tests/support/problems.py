"""Assertions about problem documents."""

import httpx

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}
NEVER_SAID = ("Traceback", 'File "', "SELECT ", "INSERT ", "site-packages", "/src/")


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, object]:
    """A problem document of this status whose detail is a sentence; returns it."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    return assert_is_problem(answer, code)


def assert_is_problem(answer: httpx.Response, code: str | None = None) -> dict[str, object]:
    assert answer.headers["content-type"].partition(";")[0] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem.keys() >= MEMBERS, problem
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    detail = problem["detail"]
    assert len(detail.split()) >= 3, detail
    assert detail.endswith((".", "!", "?")), detail
    assert not any(secret in answer.text for secret in NEVER_SAID), answer.text
    if code is not None:
        assert problem["code"] == code, problem
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if answer.status_code in {429, 503}:
        assert int(answer.headers["retry-after"]) >= 1
    return problem
