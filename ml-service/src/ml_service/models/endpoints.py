"""Models and their reports over HTTP; these requests may have the price of `metadata`."""

from typing import Annotated, Literal

from fastapi import Depends, Header, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from kit.app import strict_router
from kit.authentication import Reader
from kit.errors import ClientLeft
from kit.pagination import Page, RequestedPage
from kit.payers import PayingReader
from kit.problems import documented
from ml_service.billing.charges import MetadataMeter
from ml_service.billing.port import CHARGE_ERRORS
from ml_service.callers import TrainCaller
from ml_service.errors import ModelNotFound
from ml_service.learning.model_types import MODEL_TYPES, describe
from ml_service.learning.predictors import ArtefactRefused
from ml_service.models.report_schemas import ReportView
from ml_service.models.schemas import ModelSchemaView, ModelTypeView, ModelView
from ml_service.models.service import ModelService, ReportService
from ml_service.store.errors import POOL_ERRORS

router = strict_router("/v1", ["models"])

LONGEST_MODEL_NAME = 200
ModelName = Annotated[str, Path(max_length=LONGEST_MODEL_NAME)]

# The page loads nothing, and a label or column name in it cannot run as a script.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Vary": "Accept",
}


async def _models(request: Request) -> ModelService:
    return request.app.state.container.models


async def _reports(request: Request) -> ReportService:
    return request.app.state.container.reports


async def _meter(request: Request, response: Response, caller: PayingReader) -> MetadataMeter:
    container = request.app.state.container
    return MetadataMeter(container.billing, container.charges, caller, response)


Models = Annotated[ModelService, Depends(_models)]
Reports = Annotated[ReportService, Depends(_reports)]
Meter = Annotated[MetadataMeter, Depends(_meter)]


@router.get("/model-types")
async def list_model_types() -> Page[ModelTypeView]:
    """The model types, with their parameters as JSON Schema; no login needed."""
    types = [ModelTypeView.model_validate(describe(name)) for name in MODEL_TYPES]
    return Page(items=[*types, ModelTypeView.of_comparison()])


@router.get("/models", responses=documented(*CHARGE_ERRORS))
async def list_models(caller: Reader, models: Models, meter: Meter, page: RequestedPage) -> Page[ModelView]:
    """Your models, newest first; a page of wide models has fewer items than requested."""
    async with meter.reading():
        page, rows = await models.list_page(caller.user_id, page)
        return page.page_of(rows, ModelView.of, lambda model: model.id)


@router.get("/models/{name}", responses=documented(ModelNotFound, *CHARGE_ERRORS))
async def show_model(name: ModelName, caller: Reader, models: Models, meter: Meter) -> ModelView:
    """A model: its metrics beside a baseline, its parameters and its training data."""
    model = await models.get(caller.user_id, name)
    async with meter.reading(name):
        return ModelView.of(model)


@router.get("/models/{name}/schema", responses=documented(ModelNotFound, *CHARGE_ERRORS))
async def show_schema(name: ModelName, caller: Reader, models: Models, meter: Meter) -> ModelSchemaView:
    """The input columns of a model, with an example that can be sent as a prediction request."""
    model = await models.get(caller.user_id, name)
    async with meter.reading(name):
        return ModelSchemaView.of(model)


@router.delete("/models/{name}", status_code=204, responses=documented(ModelNotFound))
async def delete_model(name: ModelName, caller: TrainCaller, models: Models) -> None:
    """Delete a model and its files."""
    await models.delete(caller.user_id, name)


@router.get(
    "/models/{name}/report",
    response_model=ReportView,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
    | documented(ModelNotFound, ArtefactRefused, *POOL_ERRORS, ClientLeft, *CHARGE_ERRORS),
)
async def show_report(
    name: ModelName,
    response: Response,
    caller: Reader,
    models: Models,
    reports: Reports,
    meter: Meter,
    form: Annotated[Literal["json", "html"] | None, Query(alias="format")] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> ReportView | Response:
    """The report of a model, as JSON, or with `format=html` as one HTML page without external files."""
    model = await models.get(caller.user_id, name)
    if form == "html" or (form is None and "text/html" in accept):
        async with meter.reading(name):
            html = await reports.render(model)
        return HTMLResponse(html, headers={**response.headers, **PAGE_HEADERS})
    response.headers["Vary"] = PAGE_HEADERS["Vary"]
    async with meter.reading(name):
        return ReportView.model_validate(await reports.get(model))
