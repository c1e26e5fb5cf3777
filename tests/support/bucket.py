"""S3 bucket: a server in a separate process, stopped at the end."""

import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.support.stack import free_ports

START_SECONDS = 60
NAME = "farebox"
KEYS = re.compile("<Key>(.*?)</Key>")


@dataclass(frozen=True)
class Bucket:
    server: str

    @property
    def settings(self) -> dict[str, str]:
        """Settings for services and workers, by the AWS libraries' usual names."""
        return {
            "STORE_URL": f"s3://{NAME}/store",
            "AWS_ENDPOINT_URL": self.server,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def keys(self, folder: str) -> set[str]:
        """The keys of all objects in this folder of the store."""
        listing = httpx.get(f"{self.server}/{NAME}", params={"list-type": 2, "prefix": f"store/{folder}/"})
        return set(KEYS.findall(listing.raise_for_status().text))


@contextmanager
def running_bucket() -> Generator[Bucket]:
    port = free_ports(["S3"])["S3"]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as server:  # noqa: S603 - our own command
        try:
            bucket = Bucket(f"http://127.0.0.1:{port}")
            _create_when_ready(bucket)
            yield bucket
        finally:
            server.terminate()


def _create_when_ready(bucket: Bucket) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.put(f"{bucket.server}/{NAME}").raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("The S3 server did not start.")
