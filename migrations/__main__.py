"""`python -m migrations` upgrades the database."""

from kit.app import read_settings
from migrations.history import upgrade
from migrations.settings import MigrationSettings

upgrade(read_settings("migrations", MigrationSettings))
