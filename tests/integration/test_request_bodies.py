"""Bodies of requests that need none, and ways to smuggle a request into them.

A body is read to its end or the connection is closed; not a byte of it is ever taken for a request.
"""

import pytest

from harness import files, wire

SMUGGLED = b"GET /smuggled.txt HTTP/1.1\r\nHost: test\r\n\r\n"
TARGETS = {"/first.txt": b"first", "/second.txt": b"second", "/smuggled.txt": b"smuggled"}


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    for target, body in TARGETS.items():
        files.write_old(module_tree / target.strip("/"), body)
    return module_fleet.serve(module_tree)


def chunked(*parts):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def outcome(served, data):
    """The bodies of all responses until the end of the connection, and their status codes. The
    client has nothing more to say, so that a daemon which waits for more sees the end."""
    with served.connect() as connection:
        connection.send(data)
        connection.half_close()
        responses = connection.read_all()
    assert b"smuggled" not in [response.body for response in responses]
    return [response.status for response in responses], [response.body for response in responses]


BODIES = {
    "a length": ([("Content-Length", str(len(SMUGGLED)))], SMUGGLED),
    "no bytes": ([("Content-Length", "0")], b""),
    "one chunk": ([("Transfer-Encoding", "chunked")], chunked(SMUGGLED)),
    "chunks": ([("Transfer-Encoding", "chunked")], chunked(SMUGGLED[:7], b"x", SMUGGLED)),
    "no chunk": ([("Transfer-Encoding", "chunked")], chunked()),
    "another case": ([("transfer-encoding", "CHUNKED")], chunked(SMUGGLED)),
    "an extension": ([("Transfer-Encoding", "chunked")],
                     b"%x;name=value\r\n%s\r\n0;last\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
    "trailers": ([("Transfer-Encoding", "chunked")],
                 chunked(SMUGGLED)[:-2] + b"X-Trailer: value\r\nHost: other\r\n\r\n"),
    "30 KiB": ([("Content-Length", str(len(SMUGGLED) * 700))], SMUGGLED * 700),
    "4 MiB": ([("Content-Length", str(len(SMUGGLED) * 100_000))], SMUGGLED * 100_000),
    "many chunks": ([("Transfer-Encoding", "chunked")], chunked(*[SMUGGLED] * 20_000)),
    "leading zeros": ([("Transfer-Encoding", "chunked")],
                      b"0000%x\r\n%s\r\n000\r\n\r\n" % (len(SMUGGLED), SMUGGLED)),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_body_is_read_or_the_connection_is_closed(served, kind, method):
    headers, body = BODIES[kind]
    status, bodies = outcome(served, wire.request(
        "/first.txt", method=method, headers=headers, body=body) +
        wire.request("/second.txt", headers=[("Connection", "close")]))
    assert status[0] == (200 if method == "GET" else 405) or \
        status == [413] and len(body) > 1000
    assert len(status) == 1 or (status[1:], bodies[1]) == ([200], b"second")


@pytest.mark.parametrize("kind", ["a length", "one chunk", "chunks"])
def test_a_body_may_come_one_byte_at_a_time(served, kind):
    headers, body = BODIES[kind]
    with served.connect() as connection:
        for byte in wire.request("/first.txt", headers=headers, body=body):
            connection.send(bytes([byte]))
        connection.send(wire.request("/second.txt", headers=[("Connection", "close")]))
        bodies = [response.body for response in connection.read_all()]
    assert bodies in ([b"first"], [b"first", b"second"])


def test_a_body_that_stops_early_is_no_second_request(served):
    for headers in ([("Content-Length", "1000")], [("Transfer-Encoding", "chunked")]):
        status, _ = outcome(served, wire.request("/first.txt", headers=headers) + b"3e8\r\nGET /")
        assert len(status) <= 1


def test_content_is_asked_for_only_by_those_who_want_it(served):
    """A final answer may come at once instead of 100 (Continue), but then the body that may or may
    not follow ends the connection (RFC 9110 section 10.1.1)."""
    with served.connect() as connection:
        connection.send(wire.request("/first.txt", method="PUT", headers=[
            ("Expect", "100-continue"), ("Content-Length", str(len(SMUGGLED)))]))
        head = connection.read_head()
        if head.status == 100:
            connection.send(SMUGGLED)
            assert connection.read_response().status == 405
            return
        assert head.status in (405, 417)
        connection.read_exactly(int(head.header("content-length")))
        connection.send(SMUGGLED)
        connection.send(wire.request("/second.txt", headers=[("Connection", "close")]))
        assert b"smuggled" not in [response.body for response in connection.read_all()]


# Framing that must be refused: nobody can know where the request ends (RFC 9112 section 6).
REFUSED = {
    "both": [("Content-Length", "6"), ("Transfer-Encoding", "chunked")],
    "both, the other way round": [("Transfer-Encoding", "chunked"), ("Content-Length", "6")],
    "two lengths": [("Content-Length", "5"), ("Content-Length", "6")],
    "two equal lengths": [("Content-Length", "5"), ("Content-Length", "5")],
    "a list of lengths": [("Content-Length", "5, 5")],
    "a list of different lengths": [("Content-Length", "5, 6")],
    **{f"length {value!r}": [("Content-Length", value)] for value in (
        "", "+5", "-5", "-0", "5 ,", "5;", "5 5", "0x5", "5a", "a5", "5.0", "5e0", "0b1", "1_0",
        "\u00b2", "\"5\"", "5\t5", "5,", ",5", "null", "NaN", "\u00a05", "1" * 40, str(2**64),
        str(2**64 + 5), "9" * 19 + "0")},
    **{f"coding {value!r}": [("Transfer-Encoding", value)] for value in (
        "", "identity", "gzip", "chunked, identity", "chunked, chunked", "chunked,gzip",
        "gzip, chunked", "xchunked", "chunkedx", "chunked;q=1", "\"chunked\"", "'chunked'",
        "chunked chunked", "x chunked", "chunke", "\x0bchunked", "chunked\x0c", "cow",
        "chunked, cow", "c\u212aunked".encode("utf-8").decode("latin-1"))},
    "two codings": [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
    "chunked and another field": [("Transfer-Encoding", "chunked"),
                                  ("Transfer-Encoding", "identity")],
    "another field and chunked": [("Transfer-Encoding", "identity"),
                                  ("Transfer-Encoding", "chunked")],
    "both with odd names": [("Content-Length", "6"), ("transfer-ENCODING", "chunked")],
    "space before the colon": [("Content-Length", "6"), ("Transfer-Encoding ", "chunked")],
    "length with a space before the colon": [("Content-Length ", "6")],
    "folded coding": [("Transfer-Encoding", "\r\n chunked")],
    "folded length": [("Content-Length", "\r\n 6")],
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_doubtful_framing_is_refused_and_ends_the_connection(served, kind, method):
    responses = wire.exchange(served.endpoint, wire.request(
        "/first.txt", method=method, headers=REFUSED[kind],
        body=b"0\r\n\r\nX" + SMUGGLED * 3))
    assert [response.status for response in responses] in ([400], [501], [413])


def test_a_transfer_coding_in_http_1_0_is_refused(served):
    status, _ = outcome(served, wire.request(
        "/first.txt", version="HTTP/1.0", body=chunked(SMUGGLED) + SMUGGLED,
        headers=[("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")]))
    assert status == [400]


# A chunk that cannot be read ends the connection, whatever has been said before.
BAD_CHUNKS = {
    "no size": b"\r\n",
    "sign": b"+5\r\nhello\r\n0\r\n\r\n",
    "negative": b"-1\r\nhello\r\n0\r\n\r\n",
    "prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "not hexadecimal": b"g\r\nhello\r\n0\r\n\r\n",
    "leading space": b" 5\r\nhello\r\n0\r\n\r\n",
    "bare LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "bare CR behind the size": b"5\rhello\r\n0\r\n\r\n",
    "bare LF behind the data": b"5\r\nhello\n0\r\n\r\n",
    "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "data longer than its size": b"5\r\nhello!\r\n0\r\n\r\n",
    "size of 17 digits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "largest size": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "largest signed size": b"7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "LF in an extension": b"5;a=b\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a=\0b\r\nhello\r\n0\r\n\r\n",
    "endless extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
    "space in a trailer's name": b"5\r\nhello\r\n0\r\nX Y: z\r\n\r\n",
    "no colon in a trailer": b"5\r\nhello\r\n0\r\nXY\r\n\r\n",
    "endless trailers": b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    "bare LF at the end": b"5\r\nhello\r\n0\n\n",
    "underscore": b"1_0\r\nhello hello heyo\r\n0\r\n\r\n",
    "decimal point": b"5.0\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("kind", BAD_CHUNKS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_bad_chunk_ends_the_connection(served, kind, method):
    status, bodies = outcome(served, wire.request(
        "/first.txt", method=method, headers=[("Transfer-Encoding", "chunked")],
        body=BAD_CHUNKS[kind] + SMUGGLED + wire.request("/second.txt")))
    assert len(status) <= 2 and b"second" not in bodies
    assert status in ([200], [405], [400], [413], [431], [200, 400], [405, 400])


def test_the_daemon_is_as_before_after_all_of_this(served):
    assert served.get("/second.txt").body == b"second"
