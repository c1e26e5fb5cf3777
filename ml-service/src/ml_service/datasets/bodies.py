"""Uploads in request bodies, parsed as they arrive: the body itself, or one field of a form."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from python_multipart import MultipartParser
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from ml_service.errors import FormMalformed, NotATable, UploadInterrupted
from ml_service.store.errors import FileMissing
from ml_service.store.uploads import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 64 * 1024
MAX_FIELDS = 32
MAX_NAME_CHARACTERS = 200
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument.spreadsheet"
RAW_TYPES = {
    *("text/csv", "text/plain", "application/csv", "application/octet-stream", "application/gzip"),
    *("application/x-gzip", "application/vnd.apache.parquet", "application/x-parquet"),
    *(EXCEL, OPEN_DOCUMENT, "application/vnd.ms-excel", "application/vnd.ms-excel.sheet.macroenabled.12"),
    "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    *("application/x-ndjson", "application/jsonl", "application/x-jsonlines"),
}
FORM_TYPE = "multipart/form-data"
# OpenAPI schemas of streamed bodies, which FastAPI cannot derive.
BINARY = {"type": "string", "format": "binary"}
TABLE_FILES: dict[str, Any] = {  # Any: OpenAPI
    "text/csv": {"schema": BINARY},
    "application/gzip": {"schema": BINARY},
    "application/vnd.apache.parquet": {"schema": BINARY},
    EXCEL: {"schema": BINARY},
    OPEN_DOCUMENT: {"schema": BINARY},
    "application/x-ndjson": {"schema": BINARY},
}
MALFORMED = "The form cannot be read; send multipart/form-data as a browser or curl -F does."


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The text fields of a form, and the name of its file."""

    fields: Mapping[str, str]
    filename: str


async def read_body(request: Request, upload: Upload, file_field: str) -> UploadForm:
    """Write the file to the upload; raises if the body has no file or ends early."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    try:
        if media_type == FORM_TYPE.encode():
            return await _read_form(request.stream(), options.get(b"boundary", b""), upload, file_field)
        if media_type.decode("latin-1").lower() not in RAW_TYPES:
            raise NotATable
        async for chunk in request.stream():
            await upload.write(chunk)
    except ClientDisconnect:
        raise UploadInterrupted from None
    return UploadForm({}, "")


async def _read_form(
    chunks: AsyncIterator[bytes], boundary: bytes, upload: Upload, file_field: str
) -> UploadForm:
    form = _FormParser(file_field)
    try:
        parser = MultipartParser(boundary, form.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
            # Written to the disk before the next chunk is read, so that memory stays bounded.
            if form.file_data:
                await upload.write(b"".join(form.file_data))
                form.file_data.clear()
        parser.finalize()
    except (MultipartParseError, ValueError):
        raise FormMalformed(MALFORMED) from None
    if not form.ended:
        raise UploadInterrupted
    if form.filename is None:
        raise FileMissing(file_field)
    return UploadForm(form.fields, form.filename)


@dataclass
class _FormParser:
    """Collects the bytes of the file and the text of the other fields from the parser's callbacks."""

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
        if self._count > MAX_FIELDS:
            raise FormMalformed(f"The form has more than {MAX_FIELDS} fields; send fewer.")
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
            raise FormMalformed(MALFORMED)
        name = options[b"name"].decode("utf-8", "replace")
        if name == self.file_field:
            if self.filename is not None:
                raise FormMalformed(f"The form has two fields '{name}'; send one.")
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")[:MAX_NAME_CHARACTERS]
        else:
            self._name = name

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._name is None:
            self.file_data.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > MAX_FIELD_BYTES:
            raise FormMalformed(f"A field of the form is longer than {MAX_FIELD_BYTES} bytes; shorten it.")

    def _end_part(self) -> None:
        if self._name is not None:
            try:
                text = self._text.decode()
            except UnicodeDecodeError:
                raise FormMalformed("A field of the form is not in UTF-8; send it in UTF-8.") from None
            if self._name in self.fields:
                raise FormMalformed("The form has two fields of the same name; send one.")
            self.fields[self._name] = text

    def _end(self) -> None:
        self.ended = True
