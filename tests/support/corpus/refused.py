"""Files that are refused, each with the line and column at which somebody can mend it."""

import codecs
import gzip

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Refused, lines

ROWS = [
    Refused("a short row", "RFC 4180", lines("a,b,c", "1,2,3", "4,5"), "csv_too_few_fields", 3, "c"),
    Refused("a long row", "duckdb#9343", lines("a,b", "1,2", "3,4,5"), "csv_too_many_fields", 3, "b"),
    Refused(
        "a delimiter at the end of each row",
        "pandas#14124",
        lines("A,B,C", "1,4,7,", "2,5,8,"),
        "csv_too_many_fields",
        2,
        "C",
    ),
    Refused(
        "a short row after a quoted line break",
        "RFC 4180",
        b'a,b\n"x\ny",2\n3\n',
        "csv_too_few_fields",
        4,
        "b",
    ),
    Refused(
        "a thousands comma without quotes",
        "h2oai/datatable#771",
        lines("a,b", "1,2", "1,200,3"),
        "csv_too_many_fields",
        3,
        "b",
    ),
    Refused(
        "a remark above the header",
        "civictechdc/cib-mango-tree#208",
        lines("Report of May", "a,b", "1,2"),
        "csv_too_many_fields",
        2,
        "Report of May",
    ),
    Refused(
        "a short total below the rows",
        "pandas#6971",
        lines("a;b;c", "1;2;3", "Footer"),
        "csv_too_few_fields",
        3,
        "b",
    ),
    Refused("a wrong hint", "Excel", lines("sep=;", "a,b", "x,1;y"), "csv_too_many_fields", 3, "a,b"),
    Refused(
        "a web page",
        "a login page saved as CSV",
        lines("<!DOCTYPE html>", "<html><body>", "<p>Welcome, please wait</p>"),
        "csv_too_many_fields",
        3,
        "<!DOCTYPE html>",
    ),
]

HEADERS = [
    Refused(
        "duplicate names", "swiftcsv/SwiftCSV#134", lines("a,b,a", "1,2,3"), "csv_duplicate_header", 1, "a"
    ),
    Refused(
        "names that differ by a blank",
        "label-sleuth#315",
        lines("a,b,a ", "1,2,3"),
        "csv_duplicate_header",
        1,
        "a",
    ),
    Refused(
        "names that differ by an invisible character",
        "MuseumofModernArt/collection#3",
        lines("a,b,a\u200b", "1,2,3"),
        "csv_duplicate_header",
        1,
        "a",
    ),
    Refused(
        "a name of invisible characters only",
        "MuseumofModernArt/collection#3",
        lines("a,\u200b", "0,1"),
        "csv_empty_header",
        1,
    ),
    Refused(
        "a delimiter at the end of the header", "duckdb#8231", lines("id,name,", "1,x"), "csv_empty_header", 1
    ),
    Refused("a name with a line break", "Excel, Alt+Enter", b'"a\nx",b\n1,2\n', "csv_header_unusable", 1),
]

BYTES = [
    Refused("a NUL in a cell", "disk faults", b"a,b\n1,2\n3,\x00\n", "csv_nul_byte", 3, "b"),
    Refused(
        "UTF-16 with a byte too few",
        "interrupted downloads",
        "a,b\n1,2\n".encode("utf-16")[:-1],
        "csv_undecodable_byte",
        2,
        "b",
    ),
    Refused(
        "UTF-8 cut in a letter",
        "interrupted downloads",
        "a,b\né,1\nz,".encode() + b"\xe2\x82",
        "csv_undecodable_byte",
        3,
        "b",
    ),
    Refused(
        "a code page corrected to UTF-8",
        "ActivitySim/populationsim#84",
        b"a,b\nJos\xe9,1\n",
        "csv_undecodable_byte",
        2,
        "a",
        Reading(encoding="utf-8"),
    ),
    Refused(
        "gzip that is cut off",
        "interrupted downloads",
        gzip.compress(b"a,b\n" + b"1,2\n" * 99)[:-12],
        "csv_corrupt_gzip",
    ),
    Refused(
        "a gzip bomb", "David Fifield, zip bombs", gzip.compress(bytes(201 * 1024 * 1024), 1), "csv_too_large"
    ),
    Refused(
        "a gzip'd archive",
        "tar.gz named .csv.gz",
        gzip.compress(b"PK\x03\x04" + b"\0" * 50),
        "csv_other_format",
    ),
]

QUOTES = [
    Refused("a quote that never ends", "apache/arrow#34291", b'a,b\n1,2\n3,"x\n4,y\n', "csv_bad_quote", 3),
    Refused("text after a closing quote", "apache/arrow#38182", lines("a,b", '1,"x"y'), "csv_bad_quote", 2),
    Refused(
        "backslashes before quotes",
        "pola-rs/polars#3074",
        lines("a,b", "1,x", '2,"sean,\\"Jeff"'),
        "csv_bad_quote",
        3,
    ),
]

CELLS = [
    Refused(
        "a field that is too long",
        "base64 images",
        lines("a,b", "1,x", "2," + "y" * 32_769),
        "csv_cell_too_long",
        3,
        "b",
    ),
    Refused(
        "texts corrected to numbers",
        "DOI-USGS/dataRetrieval#522",
        lines("a,b", "1,x", "2,7", "3,y"),
        "csv_text_in_number_column",
        2,
        "b",
        Reading(columns={"b": ColumnReading("number", exceptions="decide")}),
    ),
    Refused(
        "texts corrected to dates",
        "submersion-app/submersion#1828",
        lines("a,b", "1,x", "2,y"),
        "csv_text_in_date_column",
        2,
        "b",
        Reading(columns={"b": ColumnReading("date")}),
    ),
]

EMPTY = [
    Refused("nothing", "touch", b"", "csv_empty"),
    Refused("a mark and nothing", "Excel, CSV UTF-8", codecs.BOM_UTF8, "csv_empty"),
    Refused("a header only", "pandas to_csv of an empty frame", lines("a,b", end="\r\n"), "csv_no_rows"),
    Refused("a hint only", "Excel", lines("sep=;", end="\r\n"), "csv_empty"),
    Refused(
        "no row left after skipping",
        "pandas#15945",
        lines("a,b", "1,2"),
        "csv_no_rows",
        reading=Reading(skip_bottom=1),
    ),
]

REFUSED = [*ROWS, *HEADERS, *BYTES, *QUOTES, *CELLS, *EMPTY]
