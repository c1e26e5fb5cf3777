"""What carrying out a job takes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kit.database import Database
from ml_service.billing.port import Billing
from ml_service.jobs.news import JobNews
from ml_service.learning.tables import CsvLimits
from ml_service.store.artefacts import Artefacts
from ml_service.store.files import Files
from ml_service.store.results import Results
from ml_service.store.uploads import Uploads
from ml_service.work.cluster import DaskCluster
from ml_service.work.repository import LeaseRepository


@dataclass(frozen=True)
class Parts:
    database: Database
    billing: Billing
    cluster: DaskCluster
    files: Files
    artefacts: Artefacts
    uploads: Uploads
    results: Results
    news: JobNews
    limits: CsvLimits
    lease_seconds: float
    time_limit: float
    most_running: int

    @asynccontextmanager
    async def leases(self) -> AsyncGenerator[LeaseRepository]:
        """One step of a job: one transaction."""
        async with self.database.transaction() as session:
            yield LeaseRepository(session, self.lease_seconds)
