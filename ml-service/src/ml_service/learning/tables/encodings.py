"""Encodings of texts: Unicode, and code pages detected by charset-normalizer."""

import codecs
import re
from collections.abc import Sequence

from charset_normalizer import from_bytes

UNICODE = ("utf-8", "utf-16", "utf-32")
WESTERN = "cp1252"
LATIN = {
    *(WESTERN, "cp1250", "cp1254", "cp1257", "cp437", "cp850", "cp852", "mac-roman"),
    *("iso-8859-1", "iso-8859-2", "iso-8859-15"),
}
CODE_PAGES = (
    *(WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("cp437", "cp850", "cp852", "cp866", "mac-roman", "koi8-r", "iso-8859-1", "iso-8859-2", "iso-8859-15"),
    *("cp932", "gb18030", "big5", "cp949", "euc-jp"),
)
ENCODINGS = (*UNICODE, *CODE_PAGES)
# The marks of UTF-32 begin with those of UTF-16.
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Detected ones; the other code pages of the same letters are a superset or hardly in use.
_DETECTED = tuple(each for each in CODE_PAGES if not each.startswith("iso-8859"))
_SHOWN = 3
# The difference of charset-normalizer's measure of mess that says nothing.
_NEARLY = 0.1
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
# Apostrophes stand inside words; the ordinal indicators are letters to Python.
_APOSTROPHES, _ORDINALS = "\u2018\u2019", "ªº"
# Nearly every other byte of a text in UTF-16 is zero, if its letters are Latin ones.
_ZEROS = 0.4


def codec_of(encoding: str) -> str:
    """Python's codec; that of UTF-8 accepts a byte order mark."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def find_utf16(begin: bytes) -> str | None:
    """The byte order of UTF-16 without its mark, as some programs write it."""
    size = len(begin) // 2
    if not size or b"\0" not in begin:
        return None
    even, odd = begin[0::2].count(0) / size, begin[1::2].count(0) / size
    if odd > _ZEROS and even < 1 - _ZEROS and even < odd:
        return "utf-16-le"
    return "utf-16-be" if even > _ZEROS and odd < even else None


def find_code_page(sample: bytes) -> tuple[str, Sequence[str]]:
    """The likeliest code page of lines beyond ASCII, and others that read them otherwise.

    A few letters do not decide between Latin ones: of those that are nearly as likely, the one with the
    fewest odd letters is chosen, or Western European if it has as few.
    """
    if _has_western_signs_only(sample):
        return WESTERN, ()
    found = from_bytes(sample, cp_isolation=list(_DETECTED), threshold=0.9, steps=1, chunk_size=len(sample))
    # Encodings that give the same text are one match.
    chaos: dict[str, float] = {}
    for match in found:
        names = map(_name_of, match.could_be_from_charset)
        chaos.update({name: match.chaos for name in names if name is not None})
    if not chaos:
        return WESTERN, ()
    chosen = min(chaos, key=lambda name: chaos[name])
    if chosen in LATIN:
        alike = (name for name in chaos if name in LATIN and chaos[name] <= chaos[chosen] + _NEARLY)
        chosen = min(alike, key=lambda name: (_count_odd_letters(sample, name), name != WESTERN))
    text = sample.decode(chosen, "replace")
    others = [name for name in chaos if name != chosen and sample.decode(name, "replace") != text]
    return chosen, others[:_SHOWN]


def _count_odd_letters(sample: bytes, encoding: str) -> int:
    """Signs beside letters, and capitals behind small ones, as in £ódŸ for Łódź."""
    text = f" {sample.decode(encoding, 'replace')} "
    return sum(_is_odd(*text[match.start() - 1 : match.end() + 1]) for match in _BEYOND_ASCII.finditer(text))


def _is_odd(before: str, character: str, after: str) -> bool:
    if character in _ORDINALS or not (character.isalnum() or character in _APOSTROPHES):
        return before.isalpha() or after.isalpha()
    return before.islower() and character.isupper()


def _has_western_signs_only(sample: bytes) -> bool:
    """True for signs such as a euro or curly quotes without any letter beyond ASCII."""
    try:
        beyond = [letter for letter in sample.decode(WESTERN) if not letter.isascii()]
    except UnicodeDecodeError:
        return False
    return not any(map(str.isalpha, beyond))


def _name_of(codec: str) -> str | None:
    wanted = codecs.lookup(codec).name
    return next((name for name in _DETECTED if codecs.lookup(name).name == wanted), None)
