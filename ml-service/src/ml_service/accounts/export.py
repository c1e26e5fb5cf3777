"""Export of the data of one user, streamed: its size has no bound, and the memory for it has."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Database
from kit.identity import UserId
from kit.pagination import PageRequest
from ml_service.datasets.repository import DatasetRepository
from ml_service.datasets.schemas import DatasetView
from ml_service.jobs.repository import JobRepository
from ml_service.jobs.schemas import JobView
from ml_service.models.repository import ModelRepository
from ml_service.models.schemas import ModelView
from ml_service.orm import Dataset, Job, Model

# Jobs and models describe each of their columns; a page of wide ones has some megabytes.
DATASETS_AT_ONCE, JOBS_AT_ONCE, MODELS_AT_ONCE = 200, 20, 5

Row = TypeVar("Row", Dataset, Job, Model)
ListPage = Callable[[AsyncSession, PageRequest], Awaitable[Sequence[Row]]]


class ExportView(BaseModel):
    datasets: list[DatasetView]
    jobs: list[JobView]
    models: list[ModelView]


async def export(database: Database, user_id: UserId) -> AsyncGenerator[bytes]:
    """The pieces of an ExportView; no connection to the database is held while one is sent."""

    async def datasets(session: AsyncSession, page: PageRequest) -> Sequence[Dataset]:
        return await DatasetRepository(session).list_page(user_id, page)

    async def jobs(session: AsyncSession, page: PageRequest) -> Sequence[Job]:
        return await JobRepository(session).list_page(user_id, page)

    async def models(session: AsyncSession, page: PageRequest) -> Sequence[Model]:
        return await ModelRepository(session).list_page(user_id, page)

    yield b'{"datasets":['
    async for piece in _items(database, datasets, DatasetView.of, DATASETS_AT_ONCE):
        yield piece
    yield b'],"jobs":['
    async for piece in _items(database, jobs, JobView.of, JOBS_AT_ONCE):
        yield piece
    yield b'],"models":['
    async for piece in _items(database, models, ModelView.of, MODELS_AT_ONCE):
        yield piece
    yield b"]}"


async def _items(
    database: Database, list_page: ListPage[Row], view: Callable[[Row], BaseModel], at_once: int
) -> AsyncGenerator[bytes]:
    page, separator = PageRequest(at_once, None), b""
    while True:
        async with database.read() as session:
            rows = await list_page(session, page)
        for row in rows[:at_once]:
            yield separator + view(row).model_dump_json().encode()
            separator = b","
            # A fast client would let all rows of a page be written in one turn of the event loop.
            await asyncio.sleep(0)
        if len(rows) <= at_once:
            return
        page.before = rows[at_once - 1].id
