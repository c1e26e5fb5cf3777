"""Reports over HTTP."""

from typing import Annotated, Literal

from fastapi import Header, Path, Query, Response
from fastapi.responses import HTMLResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.problems import documented
from ml_service.billing.port import NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED
from ml_service.dependencies import Meter, Reports
from ml_service.errors import BillingUnavailable, ModelNotFound, ReaderDied
from ml_service.learning.predictors import ArtefactRefused
from ml_service.models.report_schemas import ReportView

router = strict_router("/v1/models", ["models"])

# The page needs nothing but itself; whatever a label or a column is called, nothing in it runs.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Vary": "Accept",
}


@router.get(
    "/{name}/report",
    response_model=ReportView,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
    | documented(
        ModelNotFound, ArtefactRefused, ReaderDied, NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, BillingUnavailable
    ),
)
async def show_report(
    name: Annotated[str, Path(max_length=200)],
    response: Response,
    caller: Reader,
    reports: Reports,
    meter: Meter,
    form: Annotated[Literal["json", "html"] | None, Query(alias="format")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> ReportView | Response:
    """How good a model is and why, as JSON, or with `format=html` as one page that opens offline."""

    async def as_page() -> str:
        return await reports.page(caller.user_id, name)

    async def as_json() -> ReportView:
        return ReportView.model_validate(await reports.get(caller.user_id, name))

    if form == "html" or (form is None and "text/html" in accept):
        html = await meter.read(caller, response, as_page, name)
        return HTMLResponse(html, headers={**response.headers, **HEADERS})
    response.headers["Vary"] = HEADERS["Vary"]
    return await meter.read(caller, response, as_json, name)
