"""Where a message begins and ends, and what makes it none: RFC 9112.

Behind each message stands a second request, and in its body, where it has one, a third. Whoever
answers the third has been desynchronised; whoever answers the second behind a message that must be
refused has read past an error.
"""

from rows import ACCEPTABLE, FAILED, PREFERRED, Row, request

TITLE = "Framing"
FOLLOWER = request("/follower.txt")
SMUGGLED = b"GET /smuggled.txt HTTP/1.1\r\nHost: test\r\n\r\n"


def _problem(exchange):
    """What no server may do, whatever the row is about."""
    if any(answer.body == b"smuggled" for answer in exchange.answers):
        return "the smuggled request answered"
    if exchange.rest:
        return exchange.shown()
    if any(status >= 500 and status not in (501, 505) for status in exchange.statuses):
        return exchange.shown()
    return None


def _judge_refusal(statuses, lenient, may_wait=False):
    """The message is refused and the connection ends. With `lenient` it may be answered too, since
    the error lies in a body that a GET need not read, but nothing behind it may be. With `may_wait`
    there may be more to come of the message."""

    def judge(exchange):
        if problem := _problem(exchange):
            return FAILED, problem
        shown = exchange.shown()
        if len(exchange.answers) > 1 or exchange.ending != "closed" and not may_wait:
            return FAILED, shown
        if not exchange.answers:
            return ACCEPTABLE, shown
        status = exchange.answers[0].status
        if status in statuses:
            return PREFERRED, shown
        return (ACCEPTABLE if 400 <= status < 500 or status in (501, 505) or
                lenient and status == 200 else FAILED), shown

    return judge


def _judge_acceptance(exchange):
    if problem := _problem(exchange):
        return FAILED, problem
    bodies = [answer.body for answer in exchange.answers]
    right = exchange.statuses == [200, 200] and bodies == [b"first", b"follower"]
    return (PREFERRED if right else FAILED), exchange.shown()


def _judge_unknown_method(exchange):
    """Its framing is sound, so what follows may be answered."""
    if problem := _problem(exchange):
        return FAILED, problem
    right = exchange.statuses[:1] in ([501], [405], [400]) and \
        exchange.statuses[1:] in ([], [200]) and exchange.ending == "closed"
    return (PREFERRED if right else FAILED), exchange.shown()


def _judge_either(exchange):
    """The RFC lets a recipient take it or leave it; what follows a message that was left is not
    answered. A server that had answered already, without the body, can only hang up."""
    if problem := _problem(exchange):
        return FAILED, problem
    shown = exchange.shown()
    if exchange.ending == "closed" and len(exchange.answers) == 1 and \
            (400 <= exchange.statuses[0] < 500 or exchange.statuses[0] in (501, 505)):
        return PREFERRED, shown
    if _judge_acceptance(exchange)[0] == PREFERRED or \
            exchange.ending == "closed" and exchange.statuses == [200]:
        return ACCEPTABLE, shown
    return FAILED, shown


def _refused(name, section, data, statuses=(400,), lenient=False, may_wait=False):
    if isinstance(data, str):
        data = data.encode("latin-1")
    return Row(name, section, data + FOLLOWER, " or ".join(map(str, statuses)) + ", closed",
               _judge_refusal(statuses, lenient, may_wait))


def _accepted(name, section, data):
    if isinstance(data, str):
        data = data.encode("latin-1")
    return Row(name, section, data + FOLLOWER, "200, 200", _judge_acceptance)


def _either(name, section, data):
    if isinstance(data, str):
        data = data.encode("latin-1")
    return Row(name, section, data + FOLLOWER, "refused, or read in the one way", _judge_either)


def _with(*fields, body=b"", version="HTTP/1.1"):
    return request("/first.txt", version=version, fields=fields, body=body, close=False)


def _line(line):
    return f"{line}\r\nHost: test\r\n\r\n"


def _request_lines():
    # A recipient may take any white space for the separator, and ignore what is around the line.
    for line in (" GET /first.txt HTTP/1.1", "GET  /first.txt HTTP/1.1", "GET /first.txt  HTTP/1.1",
                 "GET\t/first.txt\tHTTP/1.1", "GET /first.txt HTTP/1.1 ",
                 "GET /first.txt\tHTTP/1.1"):
        yield _either(f"request line {line!r}", "3", _line(line))
    for line in ("GET", "GET /first.txt", "GET /first.txt HTTP/1.1 x", "GET /first txt HTTP/1.1",
                 "/first.txt HTTP/1.1", "GET /first.txt HTTP/1.1x", "GET /first.txt HTTP/1.",
                 "GET /first.txt HTTP/.1", "GET /first.txt HTTP/1,1", "GET /first.txt HTTP/1.10",
                 "GET /first.txt http/1.1", "GET /first.txt HTTP 1.1", "GET /first.txt XTTP/1.1",
                 "GET /first.txt HTTP/01.1", "GET /first.txt HTTP/+1.1", "GET /first.txt HTTP/1. 1",
                 "GET /first.txt HTTPS/1.1"):
        yield _refused(f"request line {line!r}", "3", _line(line), (400, 505, 501))
    for version in ("2.0", "3.0", "0.9", "9.9"):  # "Can respond with 505".
        yield _either(f"version {version}", "RFC 9110 6.2",
                      _line(f"GET /first.txt HTTP/{version}"))
    for code in (0x00, 0x01, 0x0b, 0x0c, 0x7f):
        yield _refused(f"byte {code:#04x} in the target", "3.2", _line(
            f"GET /first.txt{chr(code)} HTTP/1.1"), (400,))
    for method in ("G(ET", "G\x00ET", "G\"ET", "GE{T}", "G@ET", "[GET]", "G\xc9T"):
        yield _refused(f"method {method!r}", "RFC 9110 9.1", _line(f"{method} /first.txt HTTP/1.1"),
                       (400, 501))
    for method in ("get", "Get", "GETS", "XYZZY", "!#$%&'*+-.^_`|~"):
        yield Row(f"method {method!r}", "RFC 9110 9.1",
                  _line(f"{method} /first.txt HTTP/1.1").encode() + FOLLOWER, "501 or 405",
                  _judge_unknown_method)
    for target in ("first.txt", "/first.txt#x", "http:///first.txt", "http://", "*",
                   "test:80", "http://user@test/first.txt"):
        yield _refused(f"target {target!r}", "3.2", _line(f"GET {target} HTTP/1.1"))
    yield _accepted("an empty line first", "2.2", b"\r\n" + _with())


def _line_ends():
    good = _with("X: y")
    yield _either("bare LF everywhere", "2.2", good.replace(b"\r\n", b"\n"))
    yield _either("bare LF behind the request line", "2.2", good.replace(b"\r\n", b"\n", 1))
    yield _either("bare LF behind a field", "2.2", good.replace(b"X: y\r\n", b"X: y\n"))
    yield _refused("bare CR behind the request line", "2.2", good.replace(b"\r\n", b"\r", 1))
    yield _refused("bare CR behind a field", "2.2", good.replace(b"test\r\n", b"test\r"))
    yield _refused("bare CR in a value", "2.2", _with("X: a\rb"))
    yield _refused("bare CR and a field in a value", "2.2", _with(
        "X: a\rTransfer-Encoding: chunked"))
    yield _refused("CR CR LF behind a field", "2.2", good.replace(b"X: y\r\n", b"X: y\r\r\n"))
    yield _refused("LF CR behind a field", "2.2", good.replace(b"X: y\r\n", b"X: y\n\r"))


def _fields():
    for name, line in (("a space before the colon", "X : y"), ("a tab before the colon", "X\t: y"),
                       ("no colon", "X y"), ("no name", ": y"), ("a space in a name", "X Y: z"),
                       ("a byte above 0x7f in a name", "X\xe9: y"), ("a NUL in a name", "X\0: y"),
                       ("a parenthesis in a name", "X(: y"), ("a slash in a name", "X/Y: z"),
                       ("a brace in a name", "{X}: y"), ("a comma in a name", "X,Y: z"),
                       ("an at sign in a name", "X@: y"), ("a quote in a name", 'X": y')):
        yield _refused(name, "2.2" if " " not in line.partition(":")[0] else "5.1", _with(line))
    for code in (0x00, 0x01, 0x08, 0x0b, 0x0c, 0x1b, 0x7f):
        # 5.5: NUL makes a field invalid; the other controls may be kept in a safe context.
        make = _refused if code == 0 else _either
        yield make(f"byte {code:#04x} in a value", "RFC 9110 5.5", _with(f"X: a{chr(code)}b"))
    for name, line in (("a folded value", "X: a\r\n b"),
                       ("a value folded by a tab", "X: a\r\n\tb")):
        yield _either(name, "5.2", _with(line))
    yield _refused("a space before the first field", "2.2",
                   "GET /first.txt HTTP/1.1\r\n Host: test\r\n\r\n")
    for name, line in (("no space behind the colon", "X:y"), ("an empty value", "X:"),
                       ("blanks around a value", "X: \t y \t "), ("obs-text in a value", "X: \xe9"),
                       ("a tab in a value", "X: a\tb"), ("every character of a name",
                                                         "!#$%&'*+-.^_`|~09azAZ: y")):
        yield _accepted(name, "5", _with(line))


def _hosts():
    yield _refused("no Host", "3.2", "GET /first.txt HTTP/1.1\r\nX: y\r\n\r\n")
    for second in ("test", "other", ""):
        yield _refused(f"a second Host {second!r}", "3.2", _with(f"Host: {second}"))
    for host in ("a b", "te st", "test/x", "http://test", "user@test", "test?x", "test#x", "test:x",
                 "test:-1", "test:80:80", "[::1", "test\\x", "a,b", "test\x00", "te<st>"):
        yield _refused(f"Host {host!r}", "3.2",
                       f"GET /first.txt HTTP/1.1\r\nHost: {host}\r\n\r\n")
    for host in ("test", "TEST", "test:80", "test:", "127.0.0.1", "[::1]", "[::1]:8080"):
        yield _accepted(f"Host {host!r}", "3.2",
                        f"GET /first.txt HTTP/1.1\r\nHost: {host}\r\n\r\n")
    yield _accepted("an absolute target with its Host", "3.2.2",
                    "GET http://test/first.txt HTTP/1.1\r\nHost: test\r\n\r\n")


def _lengths():
    body = SMUGGLED
    length = len(body)
    yield _accepted("a body of a length", "6.2", _with(f"Content-Length: {length}", body=body))
    yield _accepted("a body of no bytes", "6.2", _with("Content-Length: 0"))
    yield _accepted("a length with zeros in front", "8.6", _with(f"Content-Length: 000{length}",
                                                                 body=body))
    for value in ("", "-1", "-0", "+5", "5 5", "5;", "0x5", "5a", "a", "5.0", "5e0", "\"5\"", "1_0",
                  "\xb2", str(2**64), str(2**64 + 5), "9" * 40):
        yield _refused(f"Content-Length {value!r}", "6.3", _with(f"Content-Length: {value}",
                                                                 body=b"hello"), (400, 413))
    yield _refused("two lengths", "6.3", _with("Content-Length: 5", "Content-Length: 6",
                                               body=b"hello!"))
    yield _refused("a list of two lengths", "6.3", _with("Content-Length: 5, 6", body=b"hello!"))
    yield _either("two equal lengths", "6.3", _with("Content-Length: 5", "Content-Length: 5",
                                                    body=b"hello"))
    yield _either("a list of equal lengths", "6.3", _with("Content-Length: 5, 5", body=b"hello"))
    yield _refused("a length with a space before the colon", "5.1",
                   _with(f"Content-Length : {length}", body=body))


def _codings():
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    te = "Transfer-Encoding: chunked"
    yield _accepted("chunks", "7.1", _with(te, body=whole))
    yield _accepted("chunked in capitals", "7", _with("Transfer-Encoding: CHUNKED", body=whole))
    yield _accepted("no chunk", "7.1", _with(te, body=b"0\r\n\r\n"))
    yield _accepted("a chunk extension", "7.1.1", _with(te, body=b"5;a=b\r\nhello\r\n0\r\n\r\n"))
    yield _accepted("a quoted chunk extension", "7.1.1", _with(
        te, body=b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'))
    yield _accepted("a trailer", "7.1.2", _with(te, body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n"))
    yield _accepted("zeros in front of a size", "7.1", _with(
        te, body=b"0005\r\nhello\r\n000\r\n\r\n"))
    # 6.1 and 6.3: whoever takes both must take the coding, and close afterwards.
    for name, fields in (("a length and a coding", ("Content-Length: 5", te)),
                         ("a coding and a length", (te, "Content-Length: 5")),
                         ("a coding and a length of nothing", (te, "Content-Length: 0"))):
        yield _refused(name, "6.3", _with(*fields, body=b"0\r\n\r\nX" + SMUGGLED), lenient=True)
    for value in ("gzip", "identity", "chunked, gzip", "chunked, identity", "xchunked", "chunkedx",
                  "\"chunked\"", "chunked;q=1", "chunked chunked", "x chunked",
                  "\x0bchunked", "chunke", "chunked, cow"):
        yield _refused(f"Transfer-Encoding {value!r}", "6.3", _with(
            f"Transfer-Encoding: {value}", body=b"0\r\n\r\n"), (400, 501))
    # Nobody may send it, and nobody says what it means to the one who receives it.
    yield _either("two codings", "6.1", _with(te, te, body=b"0\r\n\r\n"))
    yield _either("a coding twice", "6.1", _with("Transfer-Encoding: chunked, chunked",
                                                 body=b"0\r\n\r\n"))
    yield _refused("a coding with a space before the colon", "5.1", _with(
        "Transfer-Encoding : chunked", body=b"0\r\n\r\n"))
    yield _refused("a coding in HTTP/1.0", "6.1", _with(
        te, "Connection: keep-alive", version="HTTP/1.0", body=b"0\r\n\r\n" + SMUGGLED),
                   lenient=True)


def _chunks():
    te = "Transfer-Encoding: chunked"
    for name, body in (
            ("no size", b"\r\nhello\r\n0\r\n\r\n"),
            ("a size that is none", b"x\r\nhello\r\n0\r\n\r\n"),
            ("a sign before a size", b"+5\r\nhello\r\n0\r\n\r\n"),
            ("a minus before a size", b"-5\r\nhello\r\n0\r\n\r\n"),
            ("0x before a size", b"0x5\r\nhello\r\n0\r\n\r\n"),
            ("a space before a size", b" 5\r\nhello\r\n0\r\n\r\n"),
            ("an underscore in a size", b"0_5\r\nhello\r\n0\r\n\r\n"),
            ("a size of 17 digits", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
            ("no CRLF behind a chunk", b"5\r\nhello0\r\n\r\n"),
            ("other bytes behind a chunk", b"5\r\nhelloXX0\r\n\r\n"),
            ("a chunk longer than its size", b"3\r\nhello\r\n0\r\n\r\n"),
            ("bare LF behind a size", b"5\nhello\r\n0\r\n\r\n"),
            ("bare LF behind a chunk", b"5\r\nhello\n0\r\n\r\n"),
            ("bare LF in an extension", b"5;a\nbhello\r\n0\r\n\r\n"),
            ("bare CR behind a size", b"5\rhello\r\n0\r\n\r\n"),
            ("a NUL in an extension", b"5;a\0\r\nhello\r\n0\r\n\r\n"),
            ("a trailer without a colon", b"5\r\nhello\r\n0\r\nX y\r\n\r\n"),
            ("a space before a trailer's colon", b"5\r\nhello\r\n0\r\nX : y\r\n\r\n")):
        yield _refused(name, "7.1", _with(te, body=body), lenient=True)
    # Nothing is wrong with them, but the number has to be read without overflow.
    for name, size in (("a size of 2^64 - 1", "f" * 16), ("a size of 2^63", "8" + "0" * 15)):
        yield _refused(name, "7.1", _with(te, body=size.encode() + b"\r\nhello\r\n0\r\n\r\n"),
                       (400, 413), lenient=True, may_wait=True)
    yield _either("a space behind a size", "7.1", _with(te, body=b"5 \r\nhello\r\n0\r\n\r\n"))


def _connections():
    for value in ("keep-alive", "x", "x, keep-alive", "Keep-Alive, x", ""):
        yield _accepted(f"Connection {value!r}", "9.3", _with(f"Connection: {value}"))
    for value in ("close", "Close", "x, close", "close, x", "keep-alive, close"):
        yield Row(f"Connection {value!r}", "9.6", _with(f"Connection: {value}") + FOLLOWER,
                  "200, closed", _judge_refusal((200,), True))
    yield Row("HTTP/1.0 without keep-alive", "9.3", _with(version="HTTP/1.0") + FOLLOWER,
              "200, closed", _judge_refusal((200,), True))
    yield _either("Expect: nonsense", "RFC 9110 10.1.1", _with("Expect: nonsense",
                                                                "Content-Length: 0"))
    yield _either("100 kB of fields", "RFC 6585 5", _with("X: " + "y" * 100_000))
    yield _either("5,000 fields", "RFC 6585 5", _with(*["X: y"] * 5000))
    yield _refused("a target of 100 kB", "RFC 9110 15.5.15", _line(
        "GET /" + "x" * 100_000 + " HTTP/1.1"), (414, 400, 431))


def rows():
    for part in (_request_lines, _line_ends, _fields, _hosts, _lengths, _codings, _chunks,
                 _connections):
        yield from part()
