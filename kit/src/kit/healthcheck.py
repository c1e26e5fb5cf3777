"""Health check of a container: `python -m kit.healthcheck URL` exits with 0 if the URL responds 200."""

import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2


def is_healthy(url: str) -> bool:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_healthy(sys.argv[1]))
