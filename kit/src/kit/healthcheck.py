"""Health check of a container: `python -m kit.healthcheck URL` exits with 0 if the URL answers 200."""

import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

PATIENCE_SECONDS = 2


def is_healthy(url: str) -> bool:
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", where.path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1]))
