"""Code pages of several languages, which are detected from their letters and reported."""

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


READ = [
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
    code_page("A little Polish", POLISH[:3], "cp1250", "Excel with a Polish locale"),
    code_page("French of old Macs", FRENCH, "mac-roman", "Excel, CSV (Macintosh)"),
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
