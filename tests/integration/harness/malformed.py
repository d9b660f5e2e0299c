"""Requests that break the grammar of RFC 9110 and RFC 9112, and what may be answered to each.

Every row is (name, bytes, status codes). The bytes are complete: a server that reads them waits for
nothing more. All of them are errors after which nobody knows where the next request begins, so the
only right continuation is the end of the connection.
"""

from harness.wire import request

BAD = frozenset({400})
BAD_OR_VERSION = frozenset({400, 505})
BAD_OR_METHOD = frozenset({400, 501})
BAD_OR_LONG = frozenset({400, 414, 431})

_SEPARATORS = '()<>@,;:\\"/[]?={}'
_CONTROLS = [chr(code) for code in [*range(0x20), 0x7F]]
_TOKEN_BREAKERS = [*_SEPARATORS, *_CONTROLS, " ", "\x80", "\xa0", "\xe9", "\xff"]
_LINE_ENDS = ("\r", "\n")


def _raw(text):
    return text.encode("latin-1")


def _show(character):
    return f"{ord(character):#04x}"


def _line(line):
    """A request with this request line."""
    return _raw(f"{line}\r\nHost: test\r\n\r\n")


def _field(line):
    """A request with this field line."""
    return _raw(f"GET / HTTP/1.1\r\nHost: test\r\n{line}\r\n\r\n")


def _request_lines():
    lines = {
        "nothing but a method": "GET",
        "no version": "GET /",
        "no version, with space": "GET / ",
        "no target": "GET HTTP/1.1",
        "no target, two spaces": "GET  HTTP/1.1",
        "no method": "/ HTTP/1.1",
        "no method, with space": " / HTTP/1.1",
        "leading space": " GET / HTTP/1.1",
        "leading tab": "\tGET / HTTP/1.1",
        "two spaces before the target": "GET  / HTTP/1.1",
        "two spaces before the version": "GET /  HTTP/1.1",
        "trailing space": "GET / HTTP/1.1 ",
        "trailing tab": "GET / HTTP/1.1\t",
        "a fourth word": "GET / HTTP/1.1 more",
        "tabs for spaces": "GET\t/\tHTTP/1.1",
        "tab before the version": "GET /\tHTTP/1.1",
        "vertical tabs for spaces": "GET\x0b/\x0bHTTP/1.1",
        "form feed before the version": "GET /\x0cHTTP/1.1",
        "no-break spaces": "GET\xa0/\xa0HTTP/1.1",
        "a space in the target": "GET /a b HTTP/1.1",
        "a tab in the target": "GET /a\tb HTTP/1.1",
        "a quoted target": "GET \"/a b\" HTTP/1.1",
        "a response": "HTTP/1.1 200 OK",
        "a status line": "HTTP/1.1 200",
        "a field": "Host: test",
        "a colon": ":",
        "a proxy line": "PROXY TCP4 127.0.0.1 127.0.0.1 1 2",
        "a mail command": "EHLO test",
        "a version first": "HTTP/1.1 GET /",
        "nothing but spaces": "   ",
    }
    for name, line in lines.items():
        yield f"request line: {name}", _line(line), BAD_OR_VERSION | BAD_OR_METHOD


def _versions():
    for version in ("HTTP", "HTTP/", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.1.1", "HTTP/1.10",
                    "HTTP/01.1", "HTTP/1.01", "HTTP/11", "HTTP/1,1", "HTTP/1 .1", "HTTP/1. 1",
                    "HTTP /1.1", "HTTP/ 1.1", "HTTP\\1.1", "HTTP-1.1", "HTTP1.1", "HTTPS/1.1",
                    "HTP/1.1", "XHTTP/1.1", "http/1.1", "Http/1.1", "hTTP/1.1", "ICY/1.1",
                    "HTTP/1.1x", "HTTP/x.1", "HTTP/1.x", "HTTP/a.b", "HTTP/+1.1", "HTTP/1.+1",
                    "HTTP/-1.1", "HTTP/1.-1", "HTTP/1.1\0", "\0HTTP/1.1", "HTTP/1.1;", "HTTP/1.1,",
                    "HTTP/1.\xb9", "HTTP/4294967297.1", "HTTP/1.4294967297", "SIP/2.0", "RTSP/1.0"):
        yield f"version {version!r}", _line(f"GET / {version}"), BAD_OR_VERSION


def _methods():
    for character in _TOKEN_BREAKERS:
        if character in _LINE_ENDS:
            continue
        shown = _show(character)
        yield f"{shown} in the method", _line(f"GE{character}T / HTTP/1.1"), BAD_OR_METHOD
        yield f"{shown} before the method", _line(f"{character}GET / HTTP/1.1"), BAD_OR_METHOD
    yield "a method of 100 kB", _line("G" * 100_000 + " / HTTP/1.1"), BAD_OR_LONG | BAD_OR_METHOD
    yield "a line of 1 MB without a space", _line("G" * 1_000_000), BAD_OR_LONG | BAD_OR_METHOD


def _targets():
    for character in _CONTROLS:
        if character not in _LINE_ENDS:
            yield (f"{_show(character)} in the target", _line(f"GET /a{character}b HTTP/1.1"),
                   BAD)
    for target in ("a", "file.txt", "index.html", "./", "../", "?", "#", "/#", "/#fragment",
                   "/a#b?c", "*", "test", "test:80", "127.0.0.1:80", ":80", "http:", "http:/",
                   "http:/a", "http://", "http:///", "http://:80/", "http://test:x/",
                   "http://test:-1/", "http://user@test/", "http://user:word@test/",
                   "http://te st/", "http://test\\a/", "http://[::1/", "http://test#f",
                   "\\", "\\a", "file:///etc/passwd", "mailto:a@test", "javascript:1"):
        yield f"target {target!r}", _line(f"GET {target} HTTP/1.1"), BAD_OR_VERSION


def _field_names():
    for character in _TOKEN_BREAKERS:
        if character in (*_LINE_ENDS, ":"):
            continue
        shown = _show(character)
        yield f"{shown} in a name", _field(f"X{character}Y: value"), BAD
        yield f"{shown} before a name", _field(f"{character}Name: value"), BAD
        yield f"{shown} behind a name", _field(f"Name{character}: value"), BAD
    for name, line in {
            "no colon": "Name", "no colon, with a value": "Name value",
            "no name": ": value", "no name, no value": ":", "no name, two colons": ":: value",
            "a request": "GET / HTTP/1.1",
            "an equals sign": "Name=value", "a quoted name": "\"Name\": value",
            "several spaces": "Name   : value", "a tab before the colon": "Name\t: value"}.items():
        yield f"field: {name}", _field(line), BAD


def _field_values():
    for character in _CONTROLS:
        if character in (*_LINE_ENDS, "\t"):
            continue
        shown = _show(character)
        yield f"{shown} in a value", _field(f"Name: a{character}b"), BAD
        yield f"{shown} before a value", _field(f"Name:{character}a"), BAD
        yield f"{shown} behind a value", _field(f"Name: a{character}"), BAD
    yield "a folded value", _field("Name: a\r\n b"), BAD
    yield "a value folded with a tab", _field("Name: a\r\n\tb"), BAD
    yield "a value folded at once", _field("Name:\r\n a"), BAD
    yield "a folded empty line", _field("Name: a\r\n \r\n b"), BAD
    yield "a first field that is folded", \
        b"GET / HTTP/1.1\r\n Host: test\r\n\r\n", BAD
    yield "a space before the first field", \
        b"GET / HTTP/1.1\r\n X: y\r\nHost: test\r\n\r\n", BAD
    yield "a line of spaces", _field("   "), BAD


def _line_ends():
    good = _raw("GET / HTTP/1.1\r\nHost: test\r\nName: value\r\n\r\n")
    lines = good.split(b"\r\n")
    yield "bare LF everywhere", good.replace(b"\r\n", b"\n"), BAD
    yield "bare CR everywhere", good.replace(b"\r\n", b"\r") + b"\r\n\r\n", BAD_OR_VERSION
    yield "LF CR everywhere", good.replace(b"\r\n", b"\n\r"), BAD
    yield "CR CR LF everywhere", good.replace(b"\r\n", b"\r\r\n"), BAD_OR_VERSION
    for number, place in enumerate(("the request line", "Host", "a field", "the head")):
        for shown, end in (("bare LF", b"\n"), ("bare CR", b"\r"), ("CR CR LF", b"\r\r\n"),
                           ("LF CR", b"\n\r"), ("NUL LF", b"\0\n"), ("CR NUL LF", b"\r\0\n")):
            ends = [b"\r\n"] * 4
            ends[number] = end
            data = b"".join(line + ending for line, ending in zip(lines, ends))
            # What follows completes the head for those who do not see the wrong end as one.
            yield f"{shown} ends {place}", data + b"\r\n\r\n", BAD_OR_VERSION
    for shown, text in (("CR", "\r"), ("LF", "\n"), ("CR CR", "\r\r")):
        yield f"{shown} in a value", _field(f"Name: a{text}b: c"), BAD
        yield f"{shown} in a name", _field(f"Na{text}me: a"), BAD
        yield f"{shown} in the target", _line(f"GET /a{text}b HTTP/1.1"), BAD_OR_VERSION
        yield f"{shown} in the version", _line(f"GET / HTTP{text}/1.1"), BAD_OR_VERSION
        yield f"{shown} behind the version", _line(f"GET / HTTP/1.1{text}x"), BAD_OR_VERSION
        yield f"{shown} in the method", _line(f"G{text}ET / HTTP/1.1"), BAD_OR_VERSION
    yield "many empty lines", b"\r\n" * 5000 + good, BAD_OR_LONG
    yield "bare LF before a request", b"\n" + good, BAD
    yield "spaces and an empty line before a request", b"  \r\n" + good, BAD


def _hosts():
    without = "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"
    yield "no Host", _raw(without), BAD
    yield "no Host with an absolute target", _raw("GET http://test/ HTTP/1.1\r\n\r\n"), BAD
    for second in ("test", "other", ""):
        yield f"a second Host {second!r}", _field(f"Host: {second}"), BAD
    for host in ("a, b", "a b", "test, test", "test/", "/", "test/path", "http://test", "user@test",
                 "te?st", "te#st", "test:x", "test:80x", "test:-80", "test:+80", "test: 80",
                 "test:80:80", "test :80", "[::1", "::1]", "[]", "[::1]x", "[::1]:x", "[gggg::]",
                 "[1.2.3.4]", "te\\st", "te<st", "te\"st", "te^st", "te`st", "te{st}", "te|st",
                 "test%", "test%zz", "\x80", "t\xe9st", "a\tb", "@", "@test", "test@"):
        yield f"Host {host!r}", request("/", host=host), BAD


def _others():
    yield "a TLS client", bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2 + \
        b"\r\n\r\n", BAD_OR_VERSION
    yield "zeros", b"\0" * 1000 + b"\r\n\r\n", BAD_OR_VERSION
    yield "0xff", b"\xff" * 1000 + b"\r\n\r\n", BAD_OR_VERSION
    yield "every byte", bytes(range(256)) + b"\r\n\r\n", BAD_OR_VERSION
    yield "UTF-16", request("/").decode().encode("utf-16") + b"\r\n\r\n", BAD_OR_VERSION
    yield "a byte order mark", b"\xef\xbb\xbf" + request("/"), BAD_OR_METHOD
    yield "SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", BAD_OR_VERSION | BAD_OR_METHOD
    yield "JSON", b'{"method": "GET"}\r\n\r\n', BAD_OR_VERSION | BAD_OR_METHOD


def rows():
    for part in (_request_lines, _versions, _methods, _targets, _field_names, _field_values,
                 _line_ends, _hosts, _others):
        yield from part()
