"""Queries of models, and the lookup of the prediction path."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import orjson
from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.database import Json
from kit.identity import UserId
from kit.pagination import PageRequest
from kit.settings import DatabaseSettings
from ml_service.orm import Job, Model

LOOKUP_CONNECTIONS = 4
LOOKUP_TIMEOUT_SECONDS = 5
SELECT_READY = """
    SELECT id, name, artefact, files, size_bytes FROM ml.models
    WHERE name = $1 AND user_id = $2 AND ready_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """The columns of a model that a prediction needs."""

    id: int
    name: str
    artefact: str
    files: Json
    size_bytes: int


class ModelRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def reserve(self, job: Job) -> bool:
        """Reserve the name of the job's model; false if it is taken.

        Waits for a concurrent transaction with the same name.
        """
        statement = (
            insert(Model)
            .values(user_id=job.user_id, job_id=job.id, name=job.model_name, model_type=job.model_type)
            .on_conflict_do_nothing(index_elements=[Model.name])
            .returning(Model.id)
        )
        return (await self._session.execute(statement)).first() is not None

    async def find(self, user_id: UserId, name: str) -> Model | None:
        return await self._session.scalar(_ready(user_id).where(Model.name == name))

    async def find_newest(self, user_id: UserId, model_type: str) -> Model | None:
        statement = _ready(user_id).where(Model.model_type == model_type)
        return await self._session.scalar(statement.order_by(Model.id.desc()).limit(1))

    async def find_digests(self, artefact: str | None) -> Json | None:
        """The SHA-256 of each file of an artefact; None once its model is deleted."""
        return await self._session.scalar(select(Model.files).where(Model.artefact == artefact))

    async def list_page(self, user_id: UserId, page: PageRequest) -> Sequence[Model]:
        statement = _ready(user_id).where(Model.id < page.before).order_by(Model.id.desc())
        return (await self._session.scalars(statement.limit(page.fetch))).all()

    async def list_all(self, user_id: UserId) -> Sequence[Model]:
        """Newest first."""
        return (await self._session.scalars(_ready(user_id).order_by(Model.id.desc()))).all()

    async def list_names(self, user_id: UserId) -> Sequence[str]:
        """Newest first."""
        statement = select(Model.name).where(Model.user_id == user_id, Model.ready_at.is_not(None))
        return (await self._session.scalars(statement.order_by(Model.id.desc()))).all()

    async def delete(self, model: Model) -> None:
        await self._session.execute(delete(Model).where(Model.id == model.id))


class ModelLookup:
    """The only statement of a prediction, on its own connections: a session would cost too much time."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._pool = asyncpg.create_pool(
            host=settings.db_host,
            port=settings.db_port,
            user=settings.db_user,
            password=settings.db_password.get_secret_value(),
            database=settings.db_name,
            min_size=0,
            max_size=LOOKUP_CONNECTIONS,
            timeout=LOOKUP_TIMEOUT_SECONDS,
            command_timeout=LOOKUP_TIMEOUT_SECONDS,
            reset=_skip_reset,
            server_settings={"application_name": "ml-service"},
        )

    async def find_stored(self, user_id: UserId, name: str) -> StoredModel | None:
        try:
            row = await self._pool.fetchrow(SELECT_READY, name, user_id)
        except OSError as error:
            # During a restart the socket is gone or the host name is unknown.
            raise ConnectionError("The database cannot be reached.") from error
        if row is None:
            return None
        return StoredModel(
            row["id"], row["name"], row["artefact"], orjson.loads(row["files"]), row["size_bytes"]
        )

    async def open(self) -> None:
        """Prepare the pool without a connection, so that the service starts before its database."""
        await self._pool

    async def close(self) -> None:
        await self._pool.close()


def _ready(user_id: UserId) -> Select[Model]:
    return select(Model).where(Model.user_id == user_id, Model.ready_at.is_not(None))


async def _skip_reset(_connection: object) -> None:
    """A connection that only selects has nothing to reset, and a reset costs a round trip."""
