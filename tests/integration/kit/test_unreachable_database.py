"""An unreachable database is an outage with every kind of error."""

from pathlib import Path

import pytest
from tests.support.tokens import JWT_SECRET

from kit.database import Database
from kit.outages import describe_outage
from kit.settings import DatabaseSettings


@pytest.mark.parametrize("host", ["nobody.invalid", "127.0.0.1", "/without/a/socket"])
async def test_unreachable_database_is_an_outage(host: str, tmp_path: Path) -> None:
    settings = DatabaseSettings.model_validate(
        {
            "jwt_secret": JWT_SECRET,
            "db_host": str(tmp_path) if "/" in host else host,
            "db_port": 1,
            "db_user": "nobody",
            "db_password": "unused",
        }
    )
    database = Database(settings, "a-service")
    with pytest.raises(ConnectionError) as raised:
        await database.ping()
    await database.close()
    assert describe_outage(raised.value) is not None
