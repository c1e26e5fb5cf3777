"""Texts: truth values, blanks around cells, invisible characters, and cells that only look dangerous."""

from ml_service.learning.tables import ColumnReading, Reading
from tests.support.corpus.case import Read, lines

BOM = "\ufeff"

BOOLEANS = [
    Read(
        "truth values",
        "pandas to_csv, JSON",
        lines("a,b", "true,False", "false,True"),
        "boolean boolean",
        [("true", "False"), ("false", "True")],
        why="pandas and DuckDB read booleans; the cells are the classes as written",
    ),
    Read(
        "truth values of Excel and R, one missing",
        "PolyMathOrg/DataFrame#134",
        lines("a,b", "TRUE,1", ",2", "FALSE,3"),
        "boolean whole",
        [("TRUE", 1), (None, 2), ("FALSE", 3)],
        why="pandas and DuckDB read booleans",
    ),
    Read(
        "truth values in two spellings get the first one",
        "PolyMathOrg/DataFrame#134",
        lines("a,b", "TRUE,1", "False,2", "True,3", "FALSE,4"),
        "boolean whole",
        [("TRUE", 1), ("False", 2), ("TRUE", 3), ("False", 4)],
        why="pandas and DuckDB read booleans",
        findings=("mixed_truth_values a",),
    ),
    Read(
        "yes and no are texts",
        "pandas#1691",
        lines("a,b", "yes,T", "no,F"),
        "text text",
        [("yes", "T"), ("no", "F")],
        why="DuckDB reads booleans",
    ),
    Read(
        "zeros and ones are numbers",
        "scikit-learn",
        lines("a,b", "0,1", "1,0"),
        "whole whole",
        [(0, 1), (1, 0)],
    ),
    Read(
        "a third word beside truth values",
        "pandas#48487",
        lines("a,b", "true,1", "false,2", "unknown,3"),
        "text whole",
        [("true", 1), ("false", 2), ("unknown", 3)],
    ),
    Read(
        "truth values corrected to texts",
        "pandas#48487",
        lines("a,b", "True,1", "False,2"),
        "text whole",
        [("True", 1), ("False", 2)],
        reading=Reading(columns={"a": ColumnReading("text")}),
    ),
]

BLANKS = [
    Read(
        "blanks around texts",
        "scikit-learn#28637",
        lines("a,b", "Paris,1", "Paris ,2", " Rome,3"),
        "text whole",
        [("Paris", 1), ("Paris", 2), ("Rome", 3)],
        findings=("trimmed a",),
        why="pandas and DuckDB keep the blanks, and with them a category more",
    ),
    Read(
        "texts that differ in case stay apart",
        "scikit-learn#28637",
        lines("a,b", "a,1", "a ,2", "A,3"),
        "text whole",
        [("a", 1), ("a", 2), ("A", 3)],
        findings=("trimmed a",),
        why="pandas and DuckDB keep the blank",
    ),
    Read(
        "blanks around texts, kept by correction",
        "tototoshi/scala-csv#237",
        lines("a,b", "Paris,1", "Paris ,2"),
        "text whole",
        [("Paris", 1), ("Paris ", 2)],
        reading=Reading(trim=False),
    ),
    Read(
        "no-break blanks around texts",
        "jdemetra/jdemetra-core#424",
        lines("a,b", "Paris\u00a0,1", "Paris,2"),
        "text whole",
        [("Paris", 1), ("Paris", 2)],
        findings=("trimmed a",),
        why="pandas and DuckDB keep them",
    ),
    Read(
        "blanks inside a text stay",
        "CICIDS2017",
        lines("a,b", "Web  Attack,1", "New York,2"),
        "text whole",
        [("Web  Attack", 1), ("New York", 2)],
    ),
    Read(
        "blanks around names of columns",
        "label-sleuth#315, nequip#198",
        lines(" Duration, Packets, Label", "332,0,ATTACK", "155,1,BENIGN"),
        "whole whole text",
        [(332, 0, "ATTACK"), (155, 1, "BENIGN")],
        header=("Duration", "Packets", "Label"),
        why="pandas keeps the blanks",
    ),
    Read(
        "tabs around names of columns",
        "Excel",
        lines(" a ,\tb", "1,2"),
        "whole whole",
        [(1, 2)],
        why="pandas and DuckDB keep the tab",
    ),
]

INVISIBLE = [
    Read(
        "a zero-width blank behind a name",
        "MuseumofModernArt/collection#3",
        lines("age\u200b,height", "20,150", "21,151"),
        "whole whole",
        [(20, 150), (21, 151)],
        header=("age", "height"),
        findings=("invisible_characters",),
        why="pandas and DuckDB keep it",
    ),
    Read(
        "a soft hyphen and a directional mark inside names",
        "MuseumofModernArt/collection#3",
        lines("hei\u00adght,\u200eage\u200f", "150,20"),
        "whole whole",
        [(150, 20)],
        header=("height", "age"),
        findings=("invisible_characters",),
        why="pandas and DuckDB keep them",
    ),
    Read(
        "a byte order mark too many",
        "hledger#2189",
        lines(BOM + BOM + "age,height", "20,150", "21,151"),
        "whole whole",
        [(20, 150), (21, 151)],
        header=("age", "height"),
        why="DuckDB keeps the second one",
    ),
    Read(
        "a decomposed letter stays as it is",
        "macOS file names",
        lines("a,b", "e\u0301,1"),
        "text whole",
        [("e\u0301", 1)],
    ),
    Read("a right-to-left text", "Unicode", lines("a,b", "שלום,1"), "text whole", [("שלום", 1)]),
    Read("emoji", "Unicode", lines("a,b", "🐧,1"), "text whole", [("🐧", 1)]),
]

HARMLESS = [
    Read(
        "formulas are texts",
        "OWASP, CSV injection",
        lines("a,b", "=1+1,1", "@x,2"),
        "text whole",
        [("=1+1", 1), ("@x", 2)],
    ),
    Read("markup is text", "OWASP", lines("a,b", "<b>x</b>,1"), "text whole", [("<b>x</b>", 1)]),
    Read(
        "a field as long as allowed",
        "Excel's longest cell",
        lines("a,b", "x" * 32_768 + ",1"),
        "text whole",
        [("x" * 32_768, 1)],
    ),
]

READ = [*BOOLEANS, *BLANKS, *INVISIBLE, *HARMLESS]
