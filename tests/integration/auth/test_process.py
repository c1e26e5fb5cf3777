"""The process of `python -m auth_service`."""

import asyncio
import os
import signal
import sys

import httpx
from tests.integration.auth.service import ADMIN, ADMIN_PASSWORD, eventually, log_in
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from local.ports import free_port


async def test_process_serves_until_sigterm(database: Database) -> None:
    port = free_port()
    settings = {name.upper(): str(value) for name, value in database.settings("auth").items()}
    variables = {
        "JWT_SECRET": JWT_SECRET,
        "PORT": str(port),
        "ADMIN_EMAIL": ADMIN,
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "BCRYPT_COST": "4",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "auth_service",
        env=os.environ | settings | variables,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, seconds=60)
            await log_in(client, ADMIN, ADMIN_PASSWORD)
    finally:
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert b'"logged_in"' in output
    assert ADMIN_PASSWORD.encode() not in output
