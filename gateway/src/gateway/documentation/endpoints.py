"""The pages that show what is published. They ask no other host for anything."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

from gateway.dependencies import Docs
from gateway.routing import Upstream
from kit.errors import RouteNotFound

ASSETS = Path(fastapi_offline.__file__).parent / "static"
FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png")
PARTS = {part.value: part for part in (Upstream.AUTH, Upstream.BILLING, Upstream.ML)}
# The page's own script stands in its HTML; nothing may come from elsewhere.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def show_joined_document(docs: Docs) -> JSONResponse:
    return JSONResponse(await docs.joined())


@router.get("/openapi/{part}.json")
async def show_document(part: str, docs: Docs) -> JSONResponse:
    return JSONResponse(await docs.part(_part_named(part)))


@router.get("/docs")
async def show_joined_page() -> HTMLResponse:
    return _page("Farebox", "/openapi.json")


@router.get("/docs/{part}")
async def show_page(part: str) -> HTMLResponse:
    name = _part_named(part).value
    return _page(f"Farebox {name}", f"/openapi/{name}.json")


@router.get("/docs/assets/{file}")
async def send_asset(file: str) -> FileResponse:
    if file not in FILES:
        raise RouteNotFound("There is no such file; the routes are listed at /docs.")
    return FileResponse(ASSETS / file, headers={"Cache-Control": "public, max-age=3600"})


def _part_named(name: str) -> Upstream:
    if name not in PARTS:
        raise RouteNotFound(f"There is no such part; there are {', '.join(PARTS)}.")
    return PARTS[name]


def _page(title: str, document: str) -> HTMLResponse:
    page = get_swagger_ui_html(
        title=title,
        openapi_url=document,
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
    )
    page.headers["Content-Security-Policy"] = POLICY
    return page
