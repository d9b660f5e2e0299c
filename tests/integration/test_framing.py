"""How a message is framed (RFC 9112): what is refused, with which status and under which reason."""

import pytest

from harness import files, wire
from harness.daemon import wait_until

SECRET = wire.request("/second.txt")


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "first.txt", b"first")
    files.write_old(module_tree / "second.txt", b"second")
    return module_fleet.run(files.configuration(module_tree, extra=files.PATIENT))


def head(*lines, request_line="GET /first.txt HTTP/1.1", host="Host: test"):
    return "\r\n".join([request_line, *([host] if host else []), *lines, "", ""]).encode("latin-1")


def chunked(body, request_line="POST /first.txt HTTP/1.1"):
    return head("Transfer-Encoding: chunked", request_line=request_line) + body


# name: (bytes, status, reason)
MALFORMED = {
    "length and coding": (head("Content-Length: 5", "Transfer-Encoding: chunked"), 400, "te_cl"),
    "two lengths": (head("Content-Length: 5", "Content-Length: 5"), 400, "bad_cl"),
    "a list of lengths": (head("Content-Length: 5, 5"), 400, "bad_cl"),
    "a signed length": (head("Content-Length: +5"), 400, "bad_cl"),
    "a hexadecimal length": (head("Content-Length: 0x5"), 400, "bad_cl"),
    "a length beyond 64 bits": (head("Content-Length: 18446744073709551616"), 400, "bad_cl"),
    "another coding": (head("Transfer-Encoding: gzip"), 400, "bad_te"),
    "chunked twice": (head("Transfer-Encoding: chunked, chunked"), 400, "bad_te"),
    "a coding before chunked": (head("Transfer-Encoding: gzip, chunked"), 501, "unknown_te"),
    "a coding in HTTP/1.0": (head("Transfer-Encoding: chunked",
                                  request_line="GET /first.txt HTTP/1.0"), 400, "bad_te"),
    "a bare LF behind the request line": (b"GET / HTTP/1.1\nHost: test\r\n\r\n", 400, "bare_lf"),
    "a bare LF behind a field": (b"GET / HTTP/1.1\r\nHost: test\n\r\n", 400, "bare_lf"),
    "a bare CR in a field": (head("X: a\rb"), 400, "bare_cr"),
    "a folded line": (head("X: a", " b"), 400, "obs_fold"),
    "a space before the colon": (head("X : a"), 400, "bad_field"),
    "a field without name": (head(": a"), 400, "bad_field"),
    "a field whose name is no token": (head("X@Y: a"), 400, "bad_field"),
    "NUL in a value": (head("X: a\0b"), 400, "bad_field"),
    "a control character in a value": (head("X: a\x01b"), 400, "bad_field"),
    "no host": (head(host=None), 400, "missing_host"),
    "two hosts": (head("Host: test"), 400, "bad_host"),
    "a host that is none": (head(host="Host: a b"), 400, "bad_host"),
    "a host that disagrees": (head(request_line="GET http://other/ HTTP/1.1"), 400,
                              "host_mismatch"),
    "a fragment": (head(request_line="GET /first.txt#a HTTP/1.1"), 400, "bad_target"),
    "an asterisk": (head(request_line="GET * HTTP/1.1"), 400, "bad_target"),
    "the hello of TLS": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "not_http"),
    "a method that is no token": (head(request_line="G@T / HTTP/1.1"), 400, "bad_method"),
    "a version that is none": (head(request_line="GET / HTTP/1.x"), 400, "bad_version"),
    "HTTP/0.9": (b"GET /\r\n", 400, "bad_request_line"),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "unsupported_version"),
    "HTTP/3.0": (head(request_line="GET / HTTP/3.0"), 505, "unsupported_version"),
    "two empty lines before it": (b"\r\n\r\n" + head(), 400, "bad_request_line"),
    "a long target": (head(request_line=f"GET /{'a' * 9000} HTTP/1.1"), 414, "uri_too_long"),
    "a long field": (head("X: " + "a" * 33000), 431, "header_too_large"),
    "many fields": (head(*["X: a"] * 200), 431, "too_many_headers"),
    "an expectation that is not known": (head("Expect: 200-ok"), 417, "bad_expectation"),
    "no chunk size": (chunked(b"\r\n"), 400, "bad_chunk"),
    "a size of 17 digits": (chunked(b"00000000000000005\r\nhello\r\n0\r\n\r\n"), 400, "bad_chunk"),
    "a signed size": (chunked(b"+5\r\nhello\r\n0\r\n\r\n"), 400, "bad_chunk"),
    "a wrong end of a chunk": (chunked(b"5\r\nhelloX\r\n0\r\n\r\n"), 400, "bad_chunk"),
    "a LF in an extension": (chunked(b"5;a\nhello\r\n0\r\n\r\n"), 400, "bad_chunk_extension"),
    "a long extension": (chunked(b"5;" + b"a" * 300 + b"\r\nhello\r\n0\r\n\r\n"), 400,
                         "chunk_extension_too_large"),
    "a trailer that is no field": (chunked(b"0\r\nX Y: z\r\n\r\n"), 400, "bad_trailer"),
    "many trailers": (chunked(b"0\r\n" + b"X: y\r\n" * 101), 431, "trailers_too_large"),
    "a bad chunk of a GET": (chunked(b"5\r\nhelloX\r\n0\r\n\r\n", "GET /first.txt HTTP/1.1"), 400,
                             "bad_chunk"),
}


def errors(served):
    page = served.scrape()
    return {reason: page.total("sluiced_http_protocol_errors_total", reason=reason)
            for reason in page.values("sluiced_http_protocol_errors_total", "reason")}


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_malformed_has_its_status_and_reason_and_ends_the_connection(served, kind):
    data, status, reason = MALFORMED[kind]
    before = errors(served)
    responses = wire.exchange(served.endpoint, data + SECRET)
    assert [response.status for response in responses] == [status]
    assert responses[0].announces_close
    after = errors(served)
    assert {name for name in after if after[name] != before[name]} == {reason}
    assert after[reason] == before[reason] + 1


def test_every_reason_that_is_counted_is_met_above(served):
    assert {reason for _, _, reason in MALFORMED.values()} == set(errors(served))


def test_the_status_of_an_error_arrives_although_much_more_was_sent(served):
    """The rest is read and thrown away, or the client would see a reset and no status."""
    for _ in range(5):
        responses = wire.exchange(served.endpoint, b"NONSENSE\r\n\r\n" + b"x" * 200_000)
        assert [response.status for response in responses] == [400]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_100_continue_is_not_sent_when_nobody_wants_the_content(served, method):
    with served.connect() as connection:
        connection.send(wire.request("/first.txt", method=method, headers=[
            ("Expect", "100-continue"), ("Content-Length", "5")]))
        response = connection.read_head()
        assert response.status in (200, 204, 405)
        assert response.announces_close
        connection.send(b"hello" + SECRET)
        assert b"second" not in connection.socket.makefile("rb").read()


@pytest.mark.parametrize("body", [
    b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b;c=\"d\"\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\r\n0\r\nX: y\r\nHost: other\r\nContent-Length: 3\r\n\r\n", b"0\r\n\r\n",
    b"05 ; a\r\nhello\r\n000;z\r\n\r\n"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_chunked_body_is_read_over_and_the_next_request_answered(served, body, method):
    with served.connect() as connection:
        connection.send(chunked(body, f"{method} /first.txt HTTP/1.1") + wire.request(
            "/second.txt", headers=[("Connection", "close")]))
        responses = connection.read_all()
    assert [response.status for response in responses] == [200 if method == "GET" else 405, 200]
    assert responses[1].body == b"second"


def test_a_body_that_breaks_later_ends_the_connection(served):
    """The response is on its way by then; nothing behind the body is taken for a request."""
    with served.connect() as connection:
        connection.send(chunked(b"5\r\nhel"))
        assert connection.read_response().status == 405
        connection.send(b"loX\r\n0\r\n\r\n" + SECRET)
        connection.expect_close()


def test_the_extensions_of_all_chunks_together_are_bounded(served):
    """One by one they are short. The response may be on its way by then."""
    before = errors(served)["chunk_extension_too_large"]
    many = (b"1;" + b"a" * 200 + b"\r\nx\r\n") * 30 + b"0\r\n\r\n"
    responses = wire.exchange(served.endpoint, chunked(many) + SECRET)
    assert [response.status for response in responses] in ([400], [405])
    assert errors(served)["chunk_extension_too_large"] == before + 1


def test_a_body_of_more_than_64_kib_is_not_read(served):
    with served.connect() as connection:
        connection.send(wire.request("/first.txt", headers=[("Content-Length", "65537")]))
        response = connection.read_response()
        assert response.body == b"first" and response.announces_close
        connection.send(b"x" * 65537 + SECRET)
        connection.expect_close()


def test_nothing_is_done_after_connection_close(served):
    before = served.scrape().total("sluiced_http_requests_total")
    with served.connect() as connection:
        connection.send(wire.request("/first.txt", headers=[("Connection", "close")]) + SECRET * 5)
        assert [response.body for response in connection.read_all()] == [b"first"]
    assert served.scrape().total("sluiced_http_requests_total") == before + 1


@pytest.mark.parametrize("target,host", [
    ("http://test/first.txt", "test"), ("http://TEST/first.txt", "tesT"),
    ("http://test:80/first.txt", "test"), ("http://test/first.txt", "test:80"),
    ("http://test:8080/first.txt", "test:8080"), ("https://test/first.txt", "test:443"),
    ("HTTP://test:/first.txt", "test"), ("http://[::1]:8/first.txt", "[::1]:8")])
def test_a_host_that_is_the_authority_of_the_target_is_served(served, target, host):
    request = head(request_line=f"GET {target} HTTP/1.1", host=f"Host: {host}")
    assert [response.body for response in wire.exchange(
        served.endpoint, request + wire.request("/second.txt", headers=[("Connection", "close")]))
            ] == [b"first", b"second"]


@pytest.mark.parametrize("target,host", [
    ("http://test/first.txt", "other"), ("http://test/first.txt", "test.example"),
    ("http://test:81/first.txt", "test"), ("http://test/first.txt", "test:81"),
    ("https://test/first.txt", "test:80"), ("http://test/first.txt", "test.")])
def test_a_host_that_is_another_is_refused_with_a_reason_of_its_own(served, target, host):
    before = errors(served)
    responses = wire.exchange(served.endpoint, head(request_line=f"GET {target} HTTP/1.1",
                                                    host=f"Host: {host}") + SECRET)
    assert [response.status for response in responses] == [400]
    after = errors(served)
    assert {name for name in after if after[name] != before[name]} == {"host_mismatch"}


def test_a_half_closed_client_is_answered(served):
    with served.connect() as connection:
        connection.send(wire.request("/first.txt") + SECRET)
        connection.half_close()
        assert [response.body for response in connection.read_all()] == [b"first", b"second"]


def test_requests_ahead_wait_in_the_kernel_while_a_response_is_sent(fleet, tree):
    """One buffer of them at the most is in the daemon: who sends more is held back."""
    files.write_sparse(tree / "large.bin", 64 * files.MIB)
    daemon = fleet.run(files.configuration(tree, extra=files.PATIENT))
    with daemon.connect(receive_buffer_bytes=4096) as connection:
        connection.send(wire.request("/large.bin"))
        assert connection.read_head().status == 200
        connection.socket.settimeout(1)
        sent = 0
        try:
            while sent < 256 * files.MIB:
                sent += connection.socket.send(SECRET * 1000)
        except TimeoutError:
            pass
        assert sent < 64 * files.MIB  # what the kernel's buffers hold
    wait_until(lambda: daemon.scrape().total("sluiced_connections") == 0, "it is gone")


def test_options_of_the_server_as_a_whole(served):
    with served.connect() as connection:
        connection.send(wire.request("*", method="OPTIONS") + wire.request(
            "http://test", method="OPTIONS", headers=[("Connection", "close")]))
        responses = connection.read_all()
    assert [response.status for response in responses] == [200, 200]
    assert all("GET" in response.header("allow") for response in responses)
