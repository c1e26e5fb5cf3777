"""The newest migration, by which `up` decides whether the database needs one."""

from alembic.config import Config
from alembic.script import ScriptDirectory

from local.database import newest_revision
from local.settings import PROJECT


def test_newest_revision_is_the_head_of_the_history() -> None:
    config = Config(PROJECT / "migrations" / "alembic.ini")
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()
