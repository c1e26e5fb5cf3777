"""Models over HTTP."""

from typing import Annotated

from fastapi import Path, Response

from kit.app import strict_router
from kit.authentication import Reader
from kit.pagination import Page, RequestedPage
from kit.problems import documented
from ml_service.billing.port import NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED
from ml_service.callers import TrainCaller
from ml_service.dependencies import Meter, Models
from ml_service.errors import BillingUnavailable, ModelNotFound
from ml_service.learning.model_types import MODEL_TYPES, describe
from ml_service.models.schemas import ModelSchemaView, ModelTypeView, ModelView

router = strict_router("/v1", ["models"])

ModelName = Annotated[str, Path(max_length=200)]
PAID_READING = documented(NOT_ENOUGH_TOKENS, TOKEN_CAP_REACHED, ModelNotFound, BillingUnavailable)


@router.get("/model-types")
async def list_model_types() -> Page[ModelTypeView]:
    """The ways to learn, with their parameters as JSON Schema; open to everybody."""
    types = [ModelTypeView.model_validate(describe(name)) for name in MODEL_TYPES]
    return Page(items=[*types, ModelTypeView.of_comparison()])


@router.get("/models", responses=PAID_READING)
async def list_models(
    response: Response, caller: Reader, models: Models, meter: Meter, page: RequestedPage
) -> Page[ModelView]:
    """Your models, newest first."""

    async def read() -> Page[ModelView]:
        found = await models.list_page(caller.user_id, page)
        return page.page_of(found, ModelView.of, lambda model: model.id)

    return await meter.read(caller, response, read)


@router.get("/models/{name}", responses=PAID_READING)
async def show_model(
    name: ModelName, response: Response, caller: Reader, models: Models, meter: Meter
) -> ModelView:
    """One model: how good it is beside a baseline, and what it was made from."""

    async def read() -> ModelView:
        return ModelView.of(await models.get(caller.user_id, name))

    return await meter.read(caller, response, read, name)


@router.get("/models/{name}/schema", responses=PAID_READING)
async def show_schema(
    name: ModelName, response: Response, caller: Reader, models: Models, meter: Meter
) -> ModelSchemaView:
    """What the model wants to know for a prediction, with a request that can be sent as it is."""

    async def read() -> ModelSchemaView:
        return ModelSchemaView.of(await models.get(caller.user_id, name))

    return await meter.read(caller, response, read, name)


@router.delete("/models/{name}", status_code=204, responses=documented(ModelNotFound))
async def delete_model(name: ModelName, caller: TrainCaller, models: Models) -> None:
    """Delete a model and its files."""
    await models.delete(caller.user_id, name)
