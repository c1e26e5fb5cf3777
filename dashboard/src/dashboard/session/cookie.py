"""The cookie that a login lives in: in the browser where it was made, and out of every script's reach."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from dashboard.logins.held import HeldLogin, held_logins

SECONDS = 30 * 24 * 3600
LONGEST_TICKET = 200


def cookie_name(host: str | None) -> str:
    """Browsers share cookies between the ports of a host, where other dashboards may be."""
    port = (host or "").rpartition(":")[2]
    return f"farebox_login_{port}" if port.isdigit() else "farebox_login"


async def keep_login(request: Request) -> Response:
    """Exchange a ticket for the cookie of its login; that of a login that has ended is removed."""
    origin, host = request.headers.get("origin", ""), request.headers.get("host")
    if not origin or urlsplit(origin).netloc != host:
        return Response(status_code=403)
    login = held_logins().take_ticket(await _body(request))
    if login is None:
        return Response(status_code=410)
    response, name = Response(status_code=204, headers={"Cache-Control": "no-store"}), cookie_name(host)
    if _may_replace(login, request.cookies.get(name)):
        _set_cookie(response, name, login, secure=origin.startswith("https:"))
    return response


async def _body(request: Request) -> str:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LONGEST_TICKET:
        return ""
    return (await request.body()).decode("ascii", "replace")


def _may_replace(login: HeldLogin, current: str | None) -> bool:
    """A login just made may; news of an older one must not undo what another tab has signed in to since."""
    return login.in_cookie is None or held_logins().find(current) in (login, None)


def _set_cookie(response: Response, name: str, login: HeldLogin, *, secure: bool) -> None:
    token = login.refresh_token
    if token is None:
        response.delete_cookie(name, secure=secure, httponly=True, samesite="strict")
    else:
        response.set_cookie(name, token, max_age=SECONDS, secure=secure, httponly=True, samesite="strict")
        login.in_cookie = token
