"""Methods other than GET and HEAD, and what is refused for its size or version."""

import select

import pytest

from harness import files, wire

KNOWN = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "MKCOL"]
UNKNOWN = ["FOO", "get", "Get", "GETT", "GE", "HEADER", "X" * 60, "!#$%&'*+-.^_`|~", "PROPFIND",
           "0"]


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", b"file")
    (module_tree / "directory").mkdir()
    return module_fleet.serve(module_tree)


def allowed(response):
    return {word.strip() for word in response.header("allow").split(",")}


@pytest.mark.parametrize("method", KNOWN)
@pytest.mark.parametrize("target", ["/file.txt", "/directory/", "/missing", "/"])
def test_a_known_method_that_is_not_allowed_is_405_with_allow(served, method, target):
    response = served.get(target, method=method, headers=[("Content-Length", "0")])
    if method == "OPTIONS" and response.status in (200, 204):
        assert {"GET", "HEAD"} <= allowed(response)
        return
    assert response.status in ((405,) if target != "/missing" else (404, 405))
    if response.status == 405:
        assert {"GET", "HEAD"} <= allowed(response) <= {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("method", UNKNOWN, ids=lambda method: method[:10])
def test_an_unknown_method_is_501(served, method):
    """Method names are case-sensitive (RFC 9110 section 9.1)."""
    assert served.get("/file.txt", method=method).status == 501


@pytest.mark.parametrize("method,target", [("TRACE", "/file.txt"), ("CONNECT", "test:80"),
                                           ("CONNECT", "/file.txt")])
def test_trace_and_connect_are_not_implemented(served, method, target):
    response = served.get(target, method=method)
    assert response.status in ((501, 405) if method == "TRACE" else (501, 405, 400))
    assert response.body != b"file"


def test_options_of_the_server_itself(served):
    response = served.get("*", method="OPTIONS")
    assert response.status in (200, 204, 405)


def test_nothing_is_changed_by_a_refused_method(served, module_tree):
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        with served.connect() as connection:
            connection.send(wire.request("/file.txt", method=method, body=b"overwritten",
                                         headers=[("Content-Length", "11"),
                                                  ("Connection", "close")]))
            assert connection.read_response().status == 405
    for method, target in (("PUT", "/new.txt"), ("MKCOL", "/new"), ("DELETE", "/directory/")):
        served.get(target, method=method, headers=[("Content-Length", "0")])
    assert (module_tree / "file.txt").read_bytes() == b"file"
    assert sorted(path.name for path in module_tree.iterdir()) == ["directory", "file.txt"]


def test_a_connection_goes_on_after_405_without_a_body(served):
    with served.connect() as connection:
        for method in KNOWN[:4]:
            connection.send(wire.request("/file.txt", method=method,
                                         headers=[("Content-Length", "0")]))
            response = connection.read_response()
            assert response.status == 405
            if response.announces_close:  # allowed, though not friendly
                connection.expect_close()
                return
        connection.send(wire.request("/file.txt"))
        assert connection.read_response().body == b"file"


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/3.0", "HTTP/9.9", "HTTP/0.9"])
def test_another_version_is_505_and_the_end(served, version):
    with served.connect() as connection:
        connection.send(wire.request("/file.txt", version=version))
        response = connection.read_response()
        assert response.status in ((505,) if version != "HTTP/0.9" else (400, 505))
        connection.expect_close()


def test_the_preface_of_http_2_is_505_and_the_end(served):
    with served.connect() as connection:
        connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert connection.read_response().status in (400, 505)
        connection.expect_close()


@pytest.mark.parametrize("length", [7000, 8191, 8193, 9000, 20000, 31000, 33000, 100_000,
                                    1_000_000])
def test_a_long_target_is_414(served, length):
    """The default limit of a request line is 8 KiB. Below it the path is still longer than any of
    the file system."""
    response, = wire.exchange(served.endpoint, wire.request(
        "/" + "a" * length, headers=[("Connection", "close")]))
    assert response.status in ((404, 414) if length < 8000 else (414,))


@pytest.mark.parametrize("length", [1000, 30_000, 33_000, 70_000, 300_000, 2_000_000])
def test_a_long_field_is_431(served, length):
    """The default limit of a header section is 32 KiB."""
    response, = wire.exchange(served.endpoint, wire.request(
        "/file.txt", headers=[("X-Long", "a" * length), ("Connection", "close")]))
    assert response.status == (200 if length < 32_000 else 431)


@pytest.mark.parametrize("count", [50, 90, 110, 1000, 10_000])
def test_many_fields_are_431(served, count):
    """The default limit is 100 fields."""
    headers = [(f"X-{number}", "v") for number in range(count)]
    response, = wire.exchange(served.endpoint, wire.request(
        "/file.txt", headers=[*headers, ("Connection", "close")]))
    assert response.status == (200 if count < 100 else 431)


def test_a_long_field_name_is_431_or_400(served):
    response, = wire.exchange(served.endpoint, wire.request(
        "/file.txt", headers=[("X" * 50_000, "v"), ("Connection", "close")]))
    assert response.status in (400, 431)


def test_the_limits_are_those_of_the_configuration(fleet, tree):
    files.write_old(tree / "file.txt", b"file")
    daemon = fleet.run(files.configuration(
        tree, extra="limits:\n  request_line: 256\n  headers_total: 1KiB\n  header_count: 5\n"))
    assert daemon.get("/file.txt").status == 200
    for request, status in (
            (wire.request("/" + "a" * 300), 414),
            (wire.request("/file.txt", headers=[("X", "v" * 1100)]), 431),
            (wire.request("/file.txt", headers=[("X", "v")] * 5), 431)):
        response, = wire.exchange(daemon.endpoint, request)
        assert response.status == status


def test_a_head_that_never_ends_is_refused_at_the_limit(served):
    """What is kept of an endless head is bounded by the limits, not by the client's patience."""
    with served.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: test\r\n")
        for number in range(200_000):
            connection.send(b"X-%d: v\r\n" % number)
            if select.select([connection.socket], [], [], 0)[0]:
                break
        else:
            raise AssertionError("megabytes of a head were taken")
        assert connection.read_response().status == 431
        connection.expect_close()
