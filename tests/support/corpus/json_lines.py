"""JSON Lines: exact numbers, texts that look like numbers, keys that come and go, nested cells."""

from tests.support.corpus.case import Read, Refused, day, lines

READ = [
    Read(
        "long identifiers as texts",
        "pandas-dev/pandas#33766, #40992",
        lines('{"a": 1, "b": "72057594038135102"}', '{"a": 2, "b": "1344800117571260417"}'),
        "whole text",
        [(1, "72057594038135102"), (2, "1344800117571260417")],
        why="pandas reads 72057594038135104 and 1344800117571260416",
    ),
    Read(
        "long identifiers as numbers",
        "pandas-dev/pandas#56678",
        lines('{"a": 1, "b": 4873214862074861312}', '{"a": 2, "b": 4873214862074861313}', '{"a": 3}'),
        "whole text",
        [(1, "4873214862074861312"), (2, "4873214862074861313"), (3, None)],
        findings=("long_numbers b",),
        why="pandas reads two equal numbers",
    ),
    Read(
        "identifiers beyond 64 bits",
        "pandas-dev/pandas#56678",
        lines('{"a": 1, "b": 18446744073709551616}', '{"a": 2, "b": 5}'),
        "whole text",
        [(1, "18446744073709551616"), (2, "5")],
        findings=("long_numbers b",),
        why="Arrow reads 18446744073709552000",
    ),
    Read(
        "keys that come and go",
        "exports that leave out null",
        lines('{"a": 1}', '{"b": "x"}', '{"a": 3, "b": null}'),
        "whole text",
        [(1, None), (None, "x"), (3, None)],
    ),
    Read(
        "dates with and without a zone",
        "JavaScript's toJSON",
        lines('{"a": "2025-12-31T10:00:00.000Z", "b": true}', '{"a": "2025-01-02", "b": false}'),
        "date boolean",
        [(day(2025, 12, 31, 10), "true"), (day(2025, 1, 2), "false")],
        findings=("time_zones a",),
    ),
]
NESTED = lines('{"a": 1}', '{"a": [2]}')
MIXED = lines('{"a": 1}', '{"a": "n/a"}')
REFUSED = [
    Refused("a list in a cell", "exports of web services", NESTED, "json_type_unsupported", 2, "a"),
    Refused("a text among numbers of JSON", "exports of databases", MIXED, "json_types_mixed", 2, "a"),
    Refused("a line that was cut off", "logs", lines('{"a": 1}', '{"a": 2'), "json_corrupt", 2),
    Refused("an array of objects", "exports of web services", b'[{"a": 1}, {"a": 2}]', "csv_other_format"),
]
