"""Diagnosis of ml-service: the store and its files, the cluster, and refunds on their way."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import uuid4

from kit.checks import READ_LOG, Check
from kit.diagnosis import service_checks
from kit.findings import MEBIBYTE, Finding, failed, ok, warning
from ml_service.accounts.sweeper import Comparison
from ml_service.billing.repository import RefundRepository
from ml_service.container import Container
from ml_service.store.errors import StoreNotOurs
from ml_service.store.files import Files
from ml_service.store.outputs import ARTEFACTS, SEALED, STAGING
from ml_service.store.threads import run_in_thread
from ml_service.store.uploads import FOLDER as UPLOADS

# A bucket with many files is listed slowly.
STORE_SECONDS = 240.0
REFUND_AGE = timedelta(minutes=1)
SET_STORE = "Set STORE_URL to this database's store, or restore the database that belongs to this one."
FREE_ROOM = "Enlarge the disk of the store, or let users delete datasets and models."
START_WORKERS = "Start the scheduler and the workers, and compare DASK_SCHEDULER_ADDRESS and certificates."


def checks(container: Container) -> list[Check]:
    return [
        Check("store", partial(_check_store, container), STORE_SECONDS),
        Check("cluster", partial(_check_cluster, container)),
        Check("refunds", partial(_check_refunds, container)),
        *service_checks(container.database, container.settings),
    ]


async def _check_store(container: Container) -> Sequence[Finding]:
    """The checks of the store; one of another database is not written to."""
    try:
        await container.ownership.verify()
    except StoreNotOurs as error:
        return [failed("store owner", error.detail, SET_STORE)]
    owner = ok("store owner", "The store belongs to this database.")
    probe = await run_in_thread(write_and_read, container.worker.files)
    return [owner, probe, await _check_room(container), await _check_files(container)]


async def _check_room(container: Container) -> Finding:
    room = await container.storage.room()
    if room is None:
        return ok("store room", "A bucket has no limit that is known here.")
    return find_store_room(room.free, container.storage.required_bytes(room.total))


async def _check_files(container: Container) -> Finding:
    folders = (UPLOADS, ARTEFACTS, SEALED)
    compared = await asyncio.gather(*(container.sweeper.compare(folder) for folder in folders))
    return find_files(dict(zip(folders, compared, strict=True)))


async def _check_cluster(container: Container) -> Sequence[Finding]:
    address = container.settings.dask_scheduler_address
    return [find_cluster(await container.worker.cluster.slots(), address, container.settings.protocol)]


async def _check_refunds(container: Container) -> Sequence[Finding]:
    return [find_refunds(await RefundRepository(container.database).count_older(REFUND_AGE))]


def write_and_read(files: Files) -> Finding:
    """Write, read and delete a small file; the sweeper deletes it if this fails."""
    key = f"{STAGING}/diagnosis-{uuid4().hex}"
    try:
        with files.open_to_write(key) as file:
            file.write(key.encode())
        with files.open_to_read(key) as file:
            found = file.read()
        files.delete(key)
    except OSError as error:
        detail = f"A file could not be written, read and deleted: {error.strerror or type(error).__name__}."
        return failed("store access", detail, "Give ml-service and the workers access to STORE_URL.")
    if found != key.encode():
        return failed("store access", "A file was read with other content.", "Check the disk of the store.")
    return ok("store access", "A file was written, read and deleted.")


def find_store_room(free: int, required: float) -> Finding:
    detail = (
        f"{free / MEBIBYTE:,.0f} MiB are free; uploads and trainings need {required / MEBIBYTE:,.0f} MiB."
    )
    if free < required:
        return failed("store room", detail, FREE_ROOM)
    return warning("store room", detail, FREE_ROOM) if free < 2 * required else ok("store room", detail)


def find_files(folders: Mapping[str, Comparison]) -> Finding:
    """The finding about files that rows name and files that no row names."""
    stored = ", ".join(f"{name}: {each.stored:,}" for name, each in folders.items())
    missing = [key for each in folders.values() for key in each.missing]
    orphans = [key for each in folders.values() for key in each.orphans]
    if missing:
        detail = f"Missing files: {len(missing):,}, such as {missing[0]} ({stored})."
        return failed("store files", detail, "Restore them from a backup of the store.")
    if orphans:
        detail = f"Old files without a row: {len(orphans):,}, such as {orphans[0]} ({stored})."
        advice = (
            "See ORPHAN_SHARE in the operations manual, or the log of ml-service if they cannot be deleted."
        )
        return warning("store files", detail, advice)
    return ok("store files", f"No file is missing ({stored}).")


def find_cluster(slots: int, address: str, protocol: str) -> Finding:
    encryption = "with TLS" if protocol == "tls" else "without TLS, on loopback only"
    if slots == 0:
        return failed("cluster", f"No worker answers at {address}; jobs wait.", START_WORKERS)
    return ok("cluster", f"The workers at {address} run up to {slots} tasks at once, {encryption}.")


def find_refunds(waiting: int) -> Finding:
    if waiting == 0:
        return ok("refunds", "No refund waits for billing-service.")
    detail = f"Refunds that wait for billing-service for more than a minute: {waiting:,}."
    return warning("refunds", detail, f"They are sent again until it answers. {READ_LOG}")
