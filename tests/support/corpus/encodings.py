"""Encodings: byte order marks, UTF-16 and UTF-32, code pages of several languages, and gzip.

A file in no Unicode encoding is in a code page, which is detected from its letters and reported.
"""

import codecs
import gzip

from ml_service.learning.tables import Reading
from tests.support.corpus.case import Read, lines

CODE_PAGE = ("code_page",)

POLISH = [
    "Łódź",
    "Kraków",
    "Gdańsk",
    "Wrocław",
    "Poznań",
    "Białystok",
    "Częstochowa",
    "Rzeszów",
    "Zielona Góra",
    "Śląsk",
]
CZECH = [
    "Příbram",
    "Plzeň",
    "České Budějovice",
    "Ústí nad Labem",
    "Zlín",
    "Třebíč",
    "Jihlava",
    "Děčín",
    "Šumperk",
    "Žďár",
]
RUSSIAN = [
    "Москва",
    "Омск",
    "Новосибирск",
    "Екатеринбург",
    "Казань",
    "Челябинск",
    "Самара",
    "Уфа",
    "Ростов-на-Дону",
]
GREEK = [
    "Αθήνα",
    "Θεσσαλονίκη",
    "Πάτρα",
    "Ηράκλειο",
    "Λάρισα",
    "Βόλος",
    "Ιωάννινα",
    "Χανιά",
    "Καλαμάτα",
    "Ρόδος",
]
JAPANESE = [
    "東京都",
    "大阪府",
    "北海道",
    "神奈川県",
    "愛知県",
    "福岡県",
    "京都府",
    "兵庫県",
    "沖縄県",
    "広島県",
]
CHINESE = ["北京市", "上海市", "广州市", "深圳市", "成都市", "武汉市", "西安市", "重庆市", "南京市", "杭州市"]
FRENCH = [
    "Besançon",
    "Orléans",
    "Nîmes",
    "Évreux",
    "Saint-Étienne",
    "Angoulême",
    "Périgueux",
    "Alençon",
    "Béziers",
]


def table(names: list[str], encoding: str, end: str = "\n") -> bytes:
    return (
        lines("city,n", *(f"{name},{n}" for n, name in enumerate(names)), end=end).decode().encode(encoding)
    )


def cells(names: list[str]) -> list[tuple[str, int]]:
    return [(name, n) for n, name in enumerate(names)]


def code_page(language: str, names: list[str], encoding: str, origin: str) -> Read:
    """A file of these names in a code page that is detected; similar code pages decode it alike."""
    why = "pandas and DuckDB take UTF-8 unless an encoding is given"
    title = f"{language} in {encoding} is detected"
    return Read(
        title,
        origin,
        table(names, encoding),
        "text whole",
        cells(names),
        ("city", "n"),
        CODE_PAGE,
        effective={"encoding": encoding},
        why=why,
    )


UNICODE = [
    Read(
        "UTF-8 with a byte order mark",
        "Excel 365, CSV UTF-8",
        b"\xef\xbb\xbfa,b\n\xc3\xa9,1\n",
        "text whole",
        [("é", 1)],
    ),
    Read(
        "a mark before a quoted header",
        "Excel 365, CSV UTF-8",
        b'\xef\xbb\xbf"a","b"\nx,1\n',
        "text whole",
        [("x", 1)],
    ),
    Read(
        "UTF-16",
        "Windows PowerShell Export-Csv -Encoding Unicode",
        "a,b\né,1\n".encode("utf-16"),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-16"},
    ),
    Read(
        "UTF-16 the other way round",
        "Java on old Macs",
        codecs.BOM_UTF16_BE + "a,b\n漢,1\n".encode("utf-16-be"),
        "text whole",
        [("漢", 1)],
        effective={"encoding": "utf-16"},
    ),
    Read(
        "UTF-16 without a mark",
        "iconv -t UTF-16LE",
        "a,b\n1,x\n2,é\n".encode("utf-16-le"),
        "whole text",
        [(1, "x"), (2, "é")],
        effective={"encoding": "utf-16-le"},
        why="pandas and DuckDB find NUL bytes",
    ),
    Read(
        "UTF-16 with tabs and decimal commas",
        "Excel, Unicode text",
        "a\tb\r\né\t1,5\r\n".encode("utf-16"),
        "text number",
        [("é", 1.5)],
        effective={"encoding": "utf-16", "delimiter": "\t"},
        findings=("number_notation b",),
    ),
    Read(
        "UTF-32",
        "Python",
        "a,b\né,1\n漢,2\n".encode("utf-32"),
        "text whole",
        [("é", 1), ("漢", 2)],
        effective={"encoding": "utf-32"},
    ),
    Read(
        "UTF-32 the other way round",
        "Python",
        codecs.BOM_UTF32_BE + "a,b\né,1\n".encode("utf-32-be"),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-32"},
    ),
    Read(
        "UTF-8 that is valid cp1252, too",
        "populationsim#84",
        "a,b\n€,é\n".encode(),
        "text text",
        [("€", "é")],
    ),
    Read(
        "letters beyond ASCII far below the header",
        "danny-avila/rag_api#291",
        lines("a,b", *(f"{n},x" for n in range(2000)), "2000,é"),
        "whole text",
        [*((n, "x") for n in range(2000)), (2000, "é")],
    ),
]

CODE_PAGES = [
    code_page("French", FRENCH, "cp1252", "ActivitySim/populationsim#84"),
    Read(
        "cp1252 with a euro and curly quotes",
        "Excel on Windows",
        b"a,b\n\x80 \x93x\x94,1\n",
        "text whole",
        [("€ “x”", 1)],
        findings=CODE_PAGE,
        effective={"encoding": "cp1252"},
    ),
    Read(
        "one accented letter in a long file",
        "Excel on Windows",
        lines("a,b", *(f"{n},x" for n in range(2000))) + b"2000,Jos\xe9\n",
        "whole text",
        [*((n, "x") for n in range(2000)), (2000, "José")],
        findings=CODE_PAGE,
        effective={"encoding": "cp1252"},
    ),
    code_page("Polish", POLISH, "cp1250", "Excel with a Polish locale"),
    code_page("Czech", CZECH, "cp1250", "Excel with a Czech locale"),
    code_page("Russian", RUSSIAN, "cp1251", "pandas#41304"),
    code_page("Greek", GREEK, "cp1253", "Excel with a Greek locale"),
    code_page("Japanese", JAPANESE, "cp932", "danny-avila/rag_api#291, duckdb/duckdb-encodings#19"),
    code_page("Chinese", CHINESE, "gb18030", "LazyAGI/LazyLLM#1176"),
    Read(
        "cp932 with the letters that shift_jis lacks, by correction",
        "duckdb/duckdb-encodings#19",
        table(["㈱山田", "①番", "髙橋"], "cp932"),
        "text whole",
        cells(["㈱山田", "①番", "髙橋"]),
        ("city", "n"),
        reading=Reading(encoding="cp932"),
        effective={"encoding": "cp932"},
    ),
    Read(
        "the old Macintosh, by correction",
        "Excel, CSV (Macintosh)",
        table(FRENCH, "mac_roman", "\r"),
        "text whole",
        cells(FRENCH),
        ("city", "n"),
        reading=Reading(encoding="mac_roman"),
        effective={"encoding": "mac_roman"},
    ),
    Read(
        "MS-DOS, by correction",
        "Excel, CSV (MS-DOS)",
        table(FRENCH, "cp850", "\r\n"),
        "text whole",
        cells(FRENCH),
        ("city", "n"),
        reading=Reading(encoding="cp850"),
        effective={"encoding": "cp850"},
    ),
    Read(
        "two Polish letters, by correction",
        "Excel with a Polish locale",
        "a,b\nŁódź,1\n".encode("cp1250"),
        "text whole",
        [("Łódź", 1)],
        reading=Reading(encoding="cp1250"),
        effective={"encoding": "cp1250"},
    ),
]

COMPRESSED = [
    Read("gzip", "pandas to_csv(compression='gzip')", gzip.compress(b"a,b\nx,1\n"), "text whole", [("x", 1)]),
    Read(
        "gzip in two parts",
        "cat of two .gz files",
        gzip.compress(b"a,b\nx,") + gzip.compress(b"1\n"),
        "text whole",
        [("x", 1)],
    ),
    Read(
        "gzip'd UTF-16 with semicolons",
        "gzip of an Excel export",
        gzip.compress("a;b\né;1\n".encode("utf-16")),
        "text whole",
        [("é", 1)],
        effective={"encoding": "utf-16", "delimiter": ";"},
    ),
    Read(
        "a gzip'd code page",
        "gzip of an Excel export",
        gzip.compress(table(RUSSIAN, "cp1251")),
        "text whole",
        cells(RUSSIAN),
        ("city", "n"),
        CODE_PAGE,
        effective={"encoding": "cp1251"},
    ),
]

READ = [*UNICODE, *CODE_PAGES, *COMPRESSED]
