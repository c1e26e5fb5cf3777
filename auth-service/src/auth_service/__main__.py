"""Entry point: `python -m auth_service` serves; `python -m auth_service rotate-keys` rotates keys."""

import argparse
import asyncio
import sys

from auth_service.main import SERVICE, create_app
from auth_service.settings import AuthSettings
from auth_service.tokens.secrets import Seal
from auth_service.tokens.signing import SigningKeys
from kit.app import serve
from kit.database import Database
from kit.settings import read_settings

PORT = 8001


async def rotate_keys(settings: AuthSettings) -> None:
    database = Database(settings, SERVICE)
    async with database.transaction() as session:
        await SigningKeys(Seal(settings), settings).rotate(session)
    await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m auth_service", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "rotate-keys"], default="serve")
    if parser.parse_args().command == "serve":
        serve(SERVICE, AuthSettings, create_app, PORT)
        return
    settings = read_settings(SERVICE, AuthSettings)
    if settings.jwt_algorithm == "HS256":
        sys.exit("HS256 has no key pairs; set a new JWT_SECRET and the old one as JWT_SECRET_PREVIOUS.")
    asyncio.run(rotate_keys(settings))


if __name__ == "__main__":
    main()
