"""The one statement of the hot path, on connections of its own, as a session would cost too much."""

import asyncpg
import orjson

from kit.identity import UserId
from kit.settings import DatabaseSettings
from ml_service.models.repository import StoredModel

CONNECTIONS = 4
ANSWER_SECONDS = 5
SELECT_READY = """
    SELECT id, name, artefact, files, size_bytes FROM ml.models
    WHERE name = $1 AND user_id = $2 AND ready_at IS NOT NULL
"""


class ModelLookup:
    def __init__(self, settings: DatabaseSettings) -> None:
        self._pool = asyncpg.create_pool(
            host=settings.db_host,
            port=settings.db_port,
            user=settings.db_user,
            password=settings.db_password.get_secret_value(),
            database=settings.db_name,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=ANSWER_SECONDS,
            command_timeout=ANSWER_SECONDS,
            reset=_leave_as_it_is,
            server_settings={"application_name": "ml-service"},
        )

    async def find_stored(self, user_id: UserId, name: str) -> StoredModel | None:
        try:
            row = await self._pool.fetchrow(SELECT_READY, name, user_id)
        except OSError as error:
            # Its socket is gone or its name unknown while it restarts.
            raise ConnectionError("The database cannot be reached.") from error
        if row is None:
            return None
        return StoredModel(
            row["id"], row["name"], row["artefact"], orjson.loads(row["files"]), row["size_bytes"]
        )

    async def open(self) -> None:
        """Connects to nothing yet, so that the service starts while its database does."""
        await self._pool

    async def close(self) -> None:
        await self._pool.close()


async def _leave_as_it_is(_connection: object) -> None:
    """A connection that only ever selects has nothing to reset, and resetting takes a round trip."""
