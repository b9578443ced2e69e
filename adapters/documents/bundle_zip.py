"""A configuration bundle as one zip file: packed so that equal files are equal bytes, unpacked in memory within
bounds."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from oppsync.domain.configuration.faults import BadBundle, Fault, quoted
from oppsync.domain.configuration.files import Form

# Bytes, unpacked: about five seconds of reading. What is larger is applied on the command line.
LARGEST = 4_000_000
LARGEST_YAML = 1_000_000
MOST_ENTRIES = 200
THE_ZIP = "the zip file"
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file can name
_READABLE = 0o100644 << 16
_ENCRYPTED = 0x1
# Notes for people, and what an operating system puts beside the files.
_BESIDES = (".md", ".txt")
_BESIDES_FOLDER = "__MACOSX"
# All that Python's reader raises for bytes that are no zip file, or one that was tampered with.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
)


def zip_of(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _BEGINNING)
            entry.external_attr = _READABLE
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return packed.getvalue()


def files_of_zip(content: bytes) -> dict[str, bytes]:
    """Name -> content. The files may be in one folder. Nothing is written anywhere. Raises BadBundle."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _Unpacking(archive).files
    except _UNREADABLE as error:
        raise BadBundle(
            [Fault(THE_ZIP, 0, "", f"cannot be read: {error}", "Pack the files anew, without a password")]
        ) from None


class _Entry(NamedTuple):
    info: zipfile.ZipInfo
    folder: str
    name: str


class _Unpacking:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._left = {Form.CSV: LARGEST, Form.YAML: LARGEST_YAML}
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise _fault(THE_ZIP, f"has {len(entries)} entries, and at most {MOST_ENTRIES} are possible")
        faults = [fault for entry in entries for fault in _unfit(entry)]
        if faults:
            raise BadBundle(faults)
        wanted = list(_wanted(entries))
        folders = sorted({each.folder for each in wanted})
        if len(folders) > 1:
            shown = " and ".join(quoted(folder or ".") for folder in folders[:2])
            raise _fault(THE_ZIP, f"has files in several folders: {shown}", "Pack one folder")
        self.files: dict[str, bytes] = {}
        for each in wanted:
            if each.name in self.files:
                raise _fault(_shown(each.name), "is in the zip file twice")
            self.files[each.name] = self._content(each)

    def _content(self, entry: _Entry) -> bytes:
        """Read no more than is left, whatever size the zip file states."""
        form = Form.YAML if entry.name.endswith((".yaml", ".yml")) else Form.CSV
        with self._archive.open(entry.info) as packed:
            content = packed.read(self._left[form] + 1)
        self._left[form] -= len(content)
        if self._left[form] < 0:
            most = LARGEST_YAML if form is Form.YAML else LARGEST
            kind = "YAML files" if form is Form.YAML else "files"
            fix = "Apply it on the command line: `oppsync config apply DIR`"
            raise _fault(THE_ZIP, f"its {kind} are longer than {most} bytes together", fix)
        return content


def _unfit(info: zipfile.ZipInfo) -> Iterator[Fault]:
    """What a folder that somebody packed never has. Nothing is written by these names; they are refused since
    they show that the file is not what it seems."""
    name, mode = info.filename, info.external_attr >> 16
    if name.startswith(("/", "\\")) or ":" in name or ".." in name.replace("\\", "/").split("/"):
        yield Fault(_shown(name), 0, "", "leads out of the zip file", "Pack the files by their names alone")
    elif stat.S_ISLNK(mode):
        yield Fault(_shown(name), 0, "", "is a link", "Pack the file that it leads to")
    elif info.flag_bits & _ENCRYPTED:
        yield Fault(_shown(name), 0, "", "is encrypted", "Pack the files without a password")


def _wanted(entries: list[zipfile.ZipInfo]) -> Iterator[_Entry]:
    for info in entries:
        path = info.filename.replace("\\", "/")
        folder, _, name = path.rpartition("/")
        hidden = any(step.startswith(".") for step in path.split("/"))
        beside = name.endswith(_BESIDES) or path.split("/")[0] == _BESIDES_FOLDER
        if name and not hidden and not beside:
            yield _Entry(info, folder, name)


def _shown(name: str) -> str:
    return quoted(name).strip("'")


def _fault(file: str, problem: str, fix: str = "") -> BadBundle:
    return BadBundle([Fault(file, 0, "", problem, fix)])
