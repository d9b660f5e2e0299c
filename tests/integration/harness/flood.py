"""Malformed input without end: a grammar of requests, mutations of what it makes, and a reader that
checks what comes back.

The reader is the strict client of `wire`, cut down to what 100,000 exchanges have time for.
"""

import random
import re
import socket

from harness import malformed, wire

_STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) [ -~]*\r\n")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)\r\n")
_CLOSE = re.compile(rb"(?i)\r\nconnection: close\r\n")
_SPLICES = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b"%", b"%00", b"%2e%2e%2f", b"/",
            b"//", b"..", b"\xff", b"\x80", b"\"", b"HTTP/1.1", b"HTTP/9.9", b"Host: x\r\n",
            b"GET ",
            b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"\r\n ",
            b"0",
            b"-1", b"18446744073709551616", b"ffffffffffffffff\r\n", b"chunked", b"close", b"*",
            b"a" * 300, b"a" * 9000, b"X: y\r\n" * 120]


def _pick(generator, *choices):
    return generator.choice(choices)


def _target(generator):
    parts = [_pick(generator, "file.txt", "directory", "..", ".", "", "%2e%2e", "%zz", "%00", "a b",
                   "\\", "caf\xe9", "n" * 300, "%25", "~", "a?b", "#")
             for _ in range(generator.randint(0, 4))]
    start = _pick(generator, "/", "/", "/", "", "//", "http://test/", "*", "http://")
    return start + "/".join(parts)


def _field(generator):
    name = _pick(generator, "Host", "Range", "If-Range", "If-None-Match", "If-Match", "Connection",
                 "Content-Length", "Transfer-Encoding", "Expect", "If-Modified-Since", "Accept",
                 "X-Y", "x y", "X\0", "", "Te", "Upgrade", "Trailer", "Referer")
    value = _pick(generator, "test", "bytes=0-1", "bytes=-", "bytes=0-0,5-6,-1", "W/\"x\"", "*", "",
                  "close", "keep-alive", "5", "0", "-1", "5, 5", "chunked", "gzip, chunked",
                  "100-continue", "Sun, 06 Nov 1994 08:49:37 GMT", "\x01", "caf\xe9", "v" * 40_000,
                  "bytes=" + "0-1," * 40)
    return f"{name}{_pick(generator, ': ', ':', ' : ', '', ': ')}{value}"


def _body(generator):
    return _pick(generator, b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\r\n",
                 b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", b"-1\r\n", b"ffffffffffffffff\r\nx",
                 b"5\nhello\n0\n\n", wire.request("/file.txt"))


def _request(generator):
    end = _pick(generator, *["\r\n"] * 12, "\n", "\r", "\r\r\n", "")
    method = _pick(generator, "GET", "GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE",
                   "CONNECT", "get", "G\0T", "", "XYZZY")
    version = _pick(generator, *["HTTP/1.1"] * 8, "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "http/1.1",
                    "", "HTTP/1.1 x")
    lines = [f"{method} {_target(generator)} {version}"]
    if generator.random() < 0.9:
        lines.append("Host: test")
    lines += [_field(generator) for _ in range(generator.randint(0, 3))]
    head = (end.join(lines) + end + end).encode("latin-1")
    return head + _body(generator)


def _sound(generator):
    """A request without fault, for mutations and for what stands behind one."""
    fields = generator.sample([
        ("Range", "bytes=0-1"), ("Range", "bytes=0-0,-1"), ("If-None-Match", '"x", W/"y"'),
        ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Accept", "*/*;q=0.5"),
        ("Connection", "keep-alive"), ("If-Match", "*"), ("User-Agent", "v" * 100)],
        generator.randint(0, 3))
    target = _pick(generator, "/file.txt", "/directory/", "/directory", "/%66ile.txt?q", "/missing")
    if generator.random() < 0.3:
        fields = [*fields, ("Transfer-Encoding", "chunked")]
        return wire.request(target, method="PUT", headers=fields,
                            body=b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n")
    if generator.random() < 0.3:
        return wire.request(target, headers=[*fields, ("Content-Length", "5")], body=b"hello")
    return wire.request(target, headers=fields)


def _mutated(generator, data):
    data = bytearray(data)
    for _ in range(generator.choice((1, 1, 2))):
        start = generator.randrange(len(data) + 1)
        end = min(len(data), start + generator.randint(0, 10))
        kind = generator.randrange(4)
        if kind == 0:
            data[start:end] = b""
        elif kind == 1:
            data[start:end] = generator.choice(_SPLICES)
        elif kind == 2:
            data[start:end] = generator.randbytes(end - start)
        else:
            data[start:start] = data[start:end] * 3
    return bytes(data)


# Rows of the table that are small enough to be sent by the thousand.
_ROWS = [data for _, data, _ in malformed.rows() if len(data) < 4000]


def message(generator):
    """One message, malformed in most cases. Never a HEAD: its answer could not be framed."""
    kind = generator.randrange(10)
    if kind < 3:
        data = _request(generator)
    elif kind < 5:
        data = generator.choice(_ROWS)
    elif kind < 8:
        data = _mutated(generator, generator.choice((_request(generator), _sound(generator),
                                                     _sound(generator))))
    elif kind < 9:
        data = _sound(generator)
    else:
        data = generator.randbytes(generator.randint(1, 400))
    return data.replace(b"HEAD", b"HAED")


def is_surely_broken(data):
    """Whether a stream begins with what nobody can take for a request: then one answer is all."""
    return data[:1] in (b"\0", b" ", b"\t", b"\x16", b"\xff") or \
        data.startswith((b"GET\0", b"GET\n"))


def judge(received, data, messages):
    """The status codes of all responses in what was received; fails on anything else in it."""
    statuses = []
    rest = received
    while rest:
        status = _STATUS.match(rest)
        assert status, f"not a response: {rest[:200]!r}\nto {data!r}"
        head, found, rest = rest.partition(b"\r\n\r\n")
        head += b"\r\n"
        code = int(status[1])
        assert found, f"a head without its end: {head[-200:]!r}\nto {data!r}"
        assert code < 500 or code in (501, 505), f"{code} to {data!r}"
        if code == 100:
            continue
        statuses.append(code)
        length = _LENGTH.search(head)
        if code not in (204, 304):
            assert length, f"no length: {head!r}\nto {data!r}"
            assert len(rest) >= int(length[1]), f"a body that is cut, to {data!r}"
            rest = rest[int(length[1]):]
        assert not rest or not _CLOSE.search(head), \
            f"{rest[:80]!r} behind the last response\nto {data!r}"
        # 400 leaves nobody who knows where the next message begins.
        assert not rest or code != 400, f"{rest[:80]!r} behind a 400\nto {data!r}"
    assert len(statuses) <= messages, f"{statuses} to {messages} messages: {data!r}"
    assert len(statuses) <= 1 or not is_surely_broken(data), f"{statuses} to {data!r}"
    return statuses


def exchange(address, pieces):
    """Everything that comes back until the end of the connection."""
    received = bytearray()
    with socket.create_connection(address, timeout=60) as plain:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                plain.sendall(piece)
            plain.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused already: what was said is still to be read
        while True:
            try:
                piece = plain.recv(1 << 16)
            except ConnectionResetError:
                break
            if not piece:
                break
            received += piece
    return bytes(received)


def upper_bound(data):
    """No more messages than this can be in a stream: each begins with a word, has a line end, and
    is followed by an empty line."""
    return data.count(b"\n\r\n") + data.count(b"\n\n") + 1


def attack(address, seed, count):
    """Sends `count` messages, a few on each connection; returns {status: how many}."""
    generator = random.Random(seed)
    totals = {}
    sent = 0
    while sent < count:
        messages = [message(generator) for _ in range(generator.choice((1, 1, 1, 2, 3)))]
        sent += len(messages)
        data = b"".join(messages)
        cut = generator.randrange(len(data) + 1) if generator.random() < 0.3 else len(data)
        for status in judge(exchange(address, [data[:cut], data[cut:]]), data, upper_bound(data)):
            totals[status] = totals.get(status, 0) + 1
    return totals
