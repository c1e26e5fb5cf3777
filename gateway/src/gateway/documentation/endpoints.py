"""Documentation pages of the published routes, with no content from other hosts."""

from pathlib import Path
from typing import Annotated

import fastapi_offline
import orjson
from fastapi import APIRouter, Depends, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

from gateway.documentation.service import Documentation
from gateway.routing import Upstream
from kit.errors import RouteNotFound

ASSETS = Path(fastapi_offline.__file__).parent / "static"
FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
SERVICES = {service.value: service for service in (Upstream.AUTH, Upstream.BILLING, Upstream.ML)}
# The page's script is inline; loading anything from another host is forbidden.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)

router = APIRouter(include_in_schema=False)


async def _documentation(request: Request) -> Documentation:
    return request.app.state.container.documentation


Docs = Annotated[Documentation, Depends(_documentation)]


@router.get("/openapi.json")
async def show_complete_document(docs: Docs) -> Response:
    return Response(await docs.rendered(), media_type="application/json")


@router.get("/openapi/{service}.json")
async def show_document(service: str, docs: Docs) -> Response:
    document = await docs.of_service(_find_service(service))
    return Response(orjson.dumps(document), media_type="application/json")


@router.get("/docs")
async def show_complete_page() -> HTMLResponse:
    return _page("Farebox", "/openapi.json")


@router.get("/docs/{service}")
async def show_page(service: str) -> HTMLResponse:
    name = _find_service(service).value
    return _page(f"Farebox {name}", f"/openapi/{name}.json")


@router.get("/docs/assets/{file}")
async def send_asset(file: str) -> FileResponse:
    if file not in FILES:
        raise RouteNotFound("No file has this name; the routes are listed at /docs.")
    return FileResponse(ASSETS / file, headers={"Cache-Control": "public, max-age=3600"})


def _find_service(name: str) -> Upstream:
    if name not in SERVICES:
        raise RouteNotFound(f"No service has this name; the services are {', '.join(SERVICES)}.")
    return SERVICES[name]


def _page(title: str, document: str) -> HTMLResponse:
    page = get_swagger_ui_html(
        title=title,
        openapi_url=document,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return page
