"""`python -m migrations` brings the database up to date."""

from kit.app import read_settings
from migrations.history import upgrade
from migrations.settings import MigrationSettings

upgrade(read_settings("migrations", MigrationSettings))
