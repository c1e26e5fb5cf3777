"""A file out of a request's body, as it arrives: the body itself, or one part of a form."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from ml_service.errors import FileMissing, FormMalformed, NotATable, UploadInterrupted
from ml_service.store.uploads import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

LONGEST_FIELD = 64 * 1024
MOST_PARTS = 32
LONGEST_NAME = 200
RAW_TYPES = {
    *("text/csv", "text/plain", "application/csv", "application/octet-stream", "application/gzip"),
    *("application/x-gzip", "application/vnd.apache.parquet", "application/x-parquet"),
}
FORM = "multipart/form-data"
UNREADABLE = "The form cannot be read; send multipart/form-data as a browser or curl -F does."


@dataclass(frozen=True, slots=True)
class Form:
    """The fields that are not the file, and the file's own name."""

    fields: Mapping[str, str]
    filename: str


async def read_body(request: Request, upload: Upload, file_field: str) -> Form:
    """Write the file to the upload. Raises when the body holds none or ends early."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    try:
        if media_type == FORM.encode():
            return await _read_form(request.stream(), options.get(b"boundary", b""), upload, file_field)
        if media_type.decode("latin-1") not in RAW_TYPES:
            raise NotATable
        async for chunk in request.stream():
            await upload.write(chunk)
    except ClientDisconnect:
        raise UploadInterrupted from None
    return Form({}, "")


async def _read_form(chunks: AsyncIterator[bytes], boundary: bytes, upload: Upload, file_field: str) -> Form:
    parts = _Parts(file_field)
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
            # What the callbacks collected of this chunk goes to the disk before the next one is taken.
            if parts.file_data:
                await upload.write(b"".join(parts.file_data))
                parts.file_data.clear()
        parser.finalize()
    except (MultipartParseError, ValueError):
        raise FormMalformed(UNREADABLE) from None
    if not parts.ended:
        raise UploadInterrupted
    if parts.filename is None:
        raise FileMissing(file_field)
    return Form(parts.fields, parts.filename)


@dataclass
class _Parts:
    """Sorts what the parser finds into the file's bytes and the other fields' texts."""

    file_field: str
    file_data: list[bytes] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None
    ended: bool = False
    _count: int = 0
    _header: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _name: str | None = None
    _text: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_header,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MOST_PARTS:
            raise FormMalformed(f"The form has more than {MOST_PARTS} fields; send fewer.")
        self._disposition, self._name = b"", None
        self._text.clear()

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        if b"name" not in options:
            raise FormMalformed(UNREADABLE)
        name = options[b"name"].decode("utf-8", "replace")
        if name == self.file_field:
            if self.filename is not None:
                raise FormMalformed(f"The form has two fields '{name}'; send one file.")
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")[:LONGEST_NAME]
        else:
            self._name = name

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            self.file_data.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > LONGEST_FIELD:
            raise FormMalformed(f"A field of the form is longer than {LONGEST_FIELD} bytes; shorten it.")

    def _end_part(self) -> None:
        if self._name is not None:
            try:
                self.fields[self._name] = self._text.decode()
            except UnicodeDecodeError:
                raise FormMalformed("A field of the form is not in UTF-8; send it in UTF-8.") from None

    def _end(self) -> None:
        self.ended = True
