"""An app on a real socket, for tests that need a real server."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import httpx
import uvicorn
from fastapi import FastAPI
from tests.integration.ml.service import eventually


async def _is_ready(client: httpx.AsyncClient) -> bool:
    """Also for an app that has no such route."""
    return (await client.get("/readyz")).status_code in {200, 404}


@contextlib.asynccontextmanager
async def serving(app: FastAPI) -> AsyncGenerator[str]:
    """Serve the app during the block, once it is ready; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        assert not running.done(), "the server did not start"
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address) as client:
            await eventually(lambda: _is_ready(client))
        yield address
    finally:
        server.should_exit = True
        await running
        listener.close()
