"""A client that takes whatever a server says, and keeps it for the judges.

The strict client of the integration tests would end at the first thing that is wrong; here what is
wrong is what is looked for.
"""

import re
import socket
from typing import NamedTuple

MOST_BYTES = 4 << 20  # of one exchange; what is longer is not read to its end
_STATUS = re.compile(rb"HTTP/1\.[01] (\d\d\d)[^\n]*\n")


class Answer(NamedTuple):
    """One response. `whole` tells whether as much body came as its head promised."""

    status: int
    fields: list
    body: bytes
    whole: bool

    def field(self, name):
        """All values of a field, joined."""
        values = [value for key, value in self.fields if key == name]
        return ", ".join(values) if values else None


class Exchange(NamedTuple):
    """All that came back on one connection, and how it ended: closed, silent, or long."""

    answers: list
    ending: str
    rest: bytes  # what is no response

    @property
    def statuses(self):
        return [answer.status for answer in self.answers]

    def shown(self):
        """What happened, in a few words."""
        parts = [str(status) for status in self.statuses]
        if self.rest:
            parts.append("bytes that are no response")
        if not parts:
            return "closed without a word" if self.ending == "closed" else "silence"
        return " then ".join(parts) + ("" if self.ending == "closed" else f", {self.ending}")


def receive(port, data, silence_s):
    """Sends the bytes and reads to the end of the connection, or to a long silence."""
    with socket.create_connection(("127.0.0.1", port), timeout=silence_s) as plain:
        received = bytearray()
        try:
            plain.sendall(data)
        except OSError:
            pass  # it hung up; what it said before is still to be read
        while len(received) < MOST_BYTES:
            try:
                piece = plain.recv(1 << 16)
            except TimeoutError:
                return bytes(received), "silent"
            except OSError:
                return bytes(received), "closed"
            if not piece:
                return bytes(received), "closed"
            received += piece
        return bytes(received), "long"


def _take_fields(data):
    """The fields at the front of `data`, and what follows the empty line behind them."""
    fields = []
    while True:
        line, end, data = data.partition(b"\n")
        line = line.rstrip(b"\r")
        if not line or not end:
            return fields, data
        name, _, value = line.partition(b":")
        fields.append((name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()))


def _take_chunks(data):
    body = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        digits = re.match(rb"[0-9A-Fa-f]+", line)
        if not digits:
            return body, data, False
        size = int(digits[0], 16)
        if size == 0:
            _, data = _take_fields(data)
            return body, data, True
        body += data[:size]
        if len(data) < size + 2:
            return body, b"", False
        data = data[size + 2:]


def _take_body(fields, data, bodiless):
    values = dict(fields)
    if bodiless:
        return b"", data, True
    if "chunked" in values.get("transfer-encoding", "").lower():
        return _take_chunks(data)
    if "content-length" in values:
        length = int(values["content-length"])
        return data[:length], data[length:], len(data) >= length
    return data, b"", True


def exchange(port, data, methods=("GET",), silence_s=10.0):
    """What the server at the port answers to the bytes."""
    rest, ending = receive(port, data, silence_s)
    answers = []
    while match := _STATUS.match(rest):
        status = int(match[1])
        fields, rest = _take_fields(rest[match.end():])
        if 100 <= status < 200:
            continue
        method = methods[min(len(answers), len(methods) - 1)]
        bodiless = method == "HEAD" or status in (204, 304)
        body, rest, whole = _take_body(fields, rest, bodiless)
        answers.append(Answer(status, fields, body, whole))
    return Exchange(answers, ending, rest)
