"""What the gateway costs: the same small route through it and straight from its service."""

from bench.bed import Bed
from bench.load import Outcome, Request, drive

CONNECTIONS = 32
SECONDS = 4.0
ROUTE = "/v1/model-types"


async def measure(bed: Bed) -> dict[str, Outcome]:
    headers = bed.new_user()
    direct = Request("GET", bed.url("ml") + ROUTE, headers)
    through = Request("GET", bed.url("gateway") + ROUTE, headers)
    return {
        "straight from the service": await drive(lambda _n: direct, CONNECTIONS, SECONDS),
        "through the gateway": await drive(lambda _n: through, CONNECTIONS, SECONDS),
    }
