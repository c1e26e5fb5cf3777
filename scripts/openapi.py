"""Write docs/openapi.json, all that the gateway publishes; with --check only say whether it is up to date."""

import asyncio
import json
import logging
import secrets
import sys
from pathlib import Path

import httpx
import structlog

from auth_service.main import create_app as create_auth
from auth_service.settings import AuthSettings
from billing_service.main import create_app as create_billing
from billing_service.settings import Settings as BillingSettings
from gateway.documentation.service import Documentation
from gateway.main import create_app as create_gateway
from gateway.routing.matching import RouteTable
from gateway.routing.table import PUBLISHED, Upstream
from gateway.settings import GatewaySettings
from ml_service.main import create_app as create_ml
from ml_service.settings import MlSettings

COMMITTED = Path(__file__).parents[1] / "docs" / "openapi.json"


async def joined_document() -> str:
    """As the gateway serves it; nothing is started, as describing itself needs no database."""
    unused = {"jwt_secret": secrets.token_hex(32), "db_user": "nobody", "db_password": "unused"}
    services = {
        Upstream.AUTH: create_auth(AuthSettings.model_validate(unused)),
        Upstream.BILLING: create_billing(BillingSettings.model_validate(unused)),
        Upstream.ML: create_ml(MlSettings.model_validate(unused)),
    }
    gateway = create_gateway(GatewaySettings.model_validate({"jwt_secret": secrets.token_hex(32)}))
    urls = {part: f"http://{part.value}" for part in services}
    mounts = {urls[part]: httpx.ASGITransport(app) for part, app in services.items()}
    async with httpx.AsyncClient(mounts=mounts) as client:
        document = await Documentation(client, urls, RouteTable(PUBLISHED), gateway.openapi).joined()
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    document = asyncio.run(joined_document())
    if "--check" not in sys.argv:
        COMMITTED.write_text(document)
    elif document != COMMITTED.read_text():
        sys.exit("docs/openapi.json is not what the services say; run: make openapi")


if __name__ == "__main__":
    main()
