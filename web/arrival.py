"""Decide, from the bytes of an HTTP/1.1 request as they come in, whether the whole of it has arrived.

This only finds the end. gunicorn's parser reads and refuses; what it would refuse anyway counts as arrived.
"""

from __future__ import annotations

import re

MAX_BODY = 1024 * 1024
MAX_HEAD = 64 * 1024
# Chunks have sizes of their own in between; a body that needs more than this for them is not read on.
MAX_BYTES = MAX_HEAD + 2 * MAX_BODY
_MAX_SIZE_LINE = 8_190
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_CODING = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)
_EXPECT = re.compile(rb"^expect[ \t]*:[ \t]*100-continue[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_DIGITS = re.compile(rb"[0-9]{1,10}")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_LINE_END, _HEAD_END = b"\r\n", b"\r\n\r\n"


class Arrival:
    """The bytes of one request so far. `is_whole`: nothing more has to come before it is parsed.

    `is_complete`: it is whole, and the connection's next bytes begin another request. `waits_for_us`: the
    sender wants to hear that it may go on before it sends the body.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.is_whole = False
        self.is_complete = False
        self.waits_for_us = False
        self._head_searched = 0
        self._ends_at: int | None = None
        self._chunk_at: int | None = None

    @property
    def has_head(self) -> bool:
        return self.is_whole or self._ends_at is not None or self._chunk_at is not None

    def add(self, data: bytes) -> None:
        self.data += data
        if not self.has_head:
            self._look_for_head()
        if self._chunk_at is not None and not self.is_whole:
            self._look_for_last_chunk()
        if self._ends_at is not None and len(self.data) >= self._ends_at:
            self.is_whole = self.is_complete = True
        if len(self.data) > MAX_BYTES:
            self.is_whole = True

    def _look_for_head(self) -> None:
        end = self.data.find(_HEAD_END, self._head_searched)
        if end < 0:
            self._head_searched = max(0, len(self.data) - len(_HEAD_END) + 1)
            self.is_whole = len(self.data) > MAX_HEAD
            return
        head, begin = bytes(self.data[: end + len(_LINE_END)]), end + len(_HEAD_END)
        lengths = [found[1] for found in _LENGTH.finditer(head)]
        if _CODING.search(head) is not None:
            self._chunk_at = begin
        elif not lengths:
            self._ends_at = begin
        elif len(lengths) == 1 and _DIGITS.fullmatch(lengths[0]) and int(lengths[0]) <= MAX_BODY:
            self._ends_at = begin + int(lengths[0])
        else:
            self.is_whole = True  # too long, or no length at all: nothing of it is read
        self.waits_for_us = _EXPECT.search(head) is not None

    def _look_for_last_chunk(self) -> None:
        while self._chunk_at is not None and self._chunk_at <= len(self.data):
            line_end = self.data.find(_LINE_END, self._chunk_at)
            if line_end < 0:
                self.is_whole = len(self.data) - self._chunk_at > _MAX_SIZE_LINE
                return
            size = _SIZE.match(self.data, self._chunk_at, line_end)
            if size is None:
                self.is_whole = True  # no chunk: the parser says so
                return
            after = line_end + len(_LINE_END)
            if int(size[0], 16) == 0:
                self._look_for_end_of_trailers(after)
                return
            self._chunk_at = after + int(size[0], 16) + len(_LINE_END)

    def _look_for_end_of_trailers(self, begin: int) -> None:
        if self.data.startswith(_LINE_END, begin):
            self.is_whole = self.is_complete = True
            return
        end = self.data.find(_HEAD_END, begin)
        self.is_complete = end >= 0
        self.is_whole = self.is_complete or len(self.data) - begin > MAX_HEAD
