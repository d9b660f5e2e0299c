"""A small HTTP/1.1 client that forgives nothing.

It sends bytes as they are given and reads responses exactly as RFC 9112 frames them. Anything that
is not allowed on the wire, such as a repeated Content-Length or bytes behind a response that should
be the last one, fails the test that reads it.
"""

import email.utils
import re
import socket
import time
from typing import NamedTuple

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d) ([\t\x20-\x7e\x80-\xff]*)\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*"
                    rb"((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)"
                    rb"[ \t]*\Z")
_IMF_FIXDATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
                          r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                          r"\d\d:\d\d:\d\d GMT\Z")
_SINGLETONS = ("content-length", "content-type", "content-range", "date", "etag", "last-modified",
               "location", "transfer-encoding", "accept-ranges", "allow")


def request(target, *, method="GET", version="HTTP/1.1", host="test", headers=(), body=b""):
    """The bytes of a request. Text is sent as latin-1; `host=None` leaves the Host field out."""
    fields = [] if host is None else [("Host", host)]
    fields += headers
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Response(NamedTuple):
    """One response, with the names of its fields in lower case."""

    status: int
    reason: str
    fields: list
    body: bytes
    version: str = "HTTP/1.1"

    def header(self, name):
        """The value of a field, or None. A field that is given twice is an error here."""
        values = [value for key, value in self.fields if key == name.lower()]
        assert len(values) <= 1, f"{name} is given {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def announces_close(self):
        return "close" in (self.header("connection") or "").lower()

    @property
    def names(self):
        return [name for name, _ in self.fields]


class Cut(AssertionError):
    """The connection ended inside a response. Holds what had come of the body by then."""

    def __init__(self, message, body=b""):
        super().__init__(message)
        self.body = body


class Connection:
    """One client connection over a connected socket."""

    def __init__(self, plain):
        self.socket = plain
        self._buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        """Sends everything, unless the daemon has hung up: that is for the reader to see."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # gone already

    def _receive(self):
        """Adds what has come to the buffer. False at the end of the connection."""
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            return False
        except TimeoutError:
            raise AssertionError(
                f"silence instead of an answer, after {bytes(self._buffer[:200])!r}") from None
        self._buffer += data
        return bool(data)

    def _take(self, length):
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _take_line(self):
        while (end := self._buffer.find(b"\n")) < 0:
            assert len(self._buffer) < 1 << 16, "a line without an end"
            if not self._receive():
                raise Cut(f"ended in the middle of {bytes(self._buffer[:200])!r}")
        line = self._take(end + 1)
        assert line.endswith(b"\r\n"), f"a bare LF ends {line!r}"
        return line[:-2]

    def read_head(self):
        """The status line and the fields of the next response, as a Response without body."""
        line = self._take_line()
        match = _STATUS_LINE.match(line)
        assert match, f"not a status line: {line!r}"
        fields = []
        while line := self._take_line():
            field = _FIELD.match(line)
            assert field, f"not a field: {line!r}"
            fields.append((field[1].decode().lower(), field[2].decode("latin-1")))
        head = Response(int(match[2]), match[3].decode("latin-1"), fields, b"",
                        f"HTTP/1.{match[1].decode()}")
        _check_head(head)
        return head

    def read_response(self, method="GET"):
        """The next final response, with its body. Interim responses are read and dropped."""
        head = self.read_head()
        while 100 <= head.status < 200:
            assert head.status != 101, "nobody asked for an upgrade"
            head = self.read_head()
        return head._replace(body=self._read_body(head, method))

    def _read_body(self, head, method):
        if method == "HEAD" or head.status in (204, 304):
            return b""
        if head.header("transfer-encoding"):
            return self._read_chunks()
        length = head.header("content-length")
        if length is not None:
            return self.read_exactly(int(length))
        assert head.announces_close or head.version == "HTTP/1.0", "a body without framing"
        while self._receive():
            pass
        return self._take(len(self._buffer))

    def read_exactly(self, length):
        while len(self._buffer) < length:
            if not self._receive():
                got = self._take(len(self._buffer))
                raise Cut(f"ended after {len(got)} of {length} bytes of a body", got)
        return self._take(length)

    def _read_chunks(self):
        body = b""
        while True:
            size_line = self._take_line()
            assert re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size_line), f"not a size: {size_line!r}"
            size = int(size_line, 16)
            if size == 0:
                assert self._take_line() == b"", "trailers that nobody asked for"
                return body
            body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"

    def expect_close(self):
        """The daemon must end the connection now, and must have sent nothing more."""
        while self._receive():
            pass
        rest = self._take(len(self._buffer))
        assert not rest, f"bytes behind the last response: {rest[:200]!r}"

    def ended(self):
        """Whether the connection has ended by now, without waiting for it."""
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        finally:
            self.socket.settimeout(60)
        return not data

    def read_all(self, methods=("GET",)):
        """All responses up to the end of the connection; the last method stands for the rest."""
        responses = []
        while self._buffer or self._receive():
            method = methods[min(len(responses), len(methods) - 1)]
            responses.append(self.read_response(method))
        return responses

    def drain_to_end(self):
        """The number of bytes up to the end of the connection, whatever they are."""
        count = len(self._take(len(self._buffer)))
        while self._receive():
            count += len(self._take(len(self._buffer)))
        return count


def _check_head(head):
    for name in _SINGLETONS:
        head.header(name)  # fails when it is given twice
    length = head.header("content-length")
    coding = head.header("transfer-encoding")
    assert length is None or re.fullmatch(r"0|[1-9]\d*", length), f"Content-Length: {length}"
    assert coding is None or coding.lower() == "chunked", f"Transfer-Encoding: {coding}"
    assert length is None or coding is None, "two framings in one response"
    if head.status >= 200:
        date = head.header("date")
        assert date and _IMF_FIXDATE.match(date), f"Date: {date}"
        age_s = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
        assert -120 < age_s < 120, f"Date is off by {age_s} s: {date}"
    if head.status == 405:
        assert head.header("allow"), "405 without Allow (RFC 9110 section 15.5.6)"
    if head.status == 416:
        assert head.header("content-range"), "416 without Content-Range"


def exchange(endpoint, data, methods=("GET",)):
    """Sends the bytes and returns all responses up to the end, which the daemon brings about."""
    with Connection(endpoint.connect()) as connection:
        connection.send(data)
        return connection.read_all(methods)
