"""Requests that break the grammar: the right error, once, and the end of the connection."""

import pytest

from harness import files, malformed, wire

ROWS = list(malformed.rows())
FOLLOWER = wire.request("/canary.txt")
# What comes behind a refused request: if any of it is answered, the connection ends all the same.
FOLLOWERS = FOLLOWER + wire.request("/canary.txt", headers=[("Connection", "close")])

# Odd, but right: a strict server must not be strict beyond the grammar.
ACCEPTED = {
    "lower-case names": b"GET /canary.txt HTTP/1.1\r\nhost: test\r\n\r\n",
    "upper-case names": b"GET /canary.txt HTTP/1.1\r\nHOST: test\r\n\r\n",
    "no space behind a colon": b"GET /canary.txt HTTP/1.1\r\nHost:test\r\n\r\n",
    "tabs and spaces around a value": b"GET /canary.txt HTTP/1.1\r\nHost: \t test \t \r\n\r\n",
    "an empty value": b"GET /canary.txt HTTP/1.1\r\nHost: test\r\nName:\r\n\r\n",
    "a value of spaces": b"GET /canary.txt HTTP/1.1\r\nHost: test\r\nName:   \r\n\r\n",
    "a tab in a value": b"GET /canary.txt HTTP/1.1\r\nHost: test\r\nName: a\tb\r\n\r\n",
    "obs-text in a value": b"GET /canary.txt HTTP/1.1\r\nHost: test\r\nName: \x80\xff\r\n\r\n",
    "every character of a name":
        b"GET /canary.txt HTTP/1.1\r\nHost: test\r\n!#$%&'*+-.^_`|~09azAZ: v\r\n\r\n",
    "separators in a value":
        b"GET /canary.txt HTTP/1.1\r\nHost: test\r\nName: ()<>@,;:\\\"/[]?={}\r\n\r\n",
    "the same name many times": wire.request("/canary.txt", headers=[("Name", "v")] * 50),
    "a Host with a port": wire.request("/canary.txt", host="test:8080"),
    "a Host with an empty port": wire.request("/canary.txt", host="test:"),
    "an IPv4 Host": wire.request("/canary.txt", host="127.0.0.1:80"),
    "an IPv6 Host": wire.request("/canary.txt", host="[::1]:80"),
    "a Host with underscores": wire.request("/canary.txt", host="a_b.test"),
    "an absolute target": wire.request("http://test/canary.txt"),
    "an absolute target with a query":
        wire.request("http://test:80/canary.txt?a=b", host="test:80"),
    "a query with anything": wire.request("/canary.txt?!$&'()*+,;=:@/?%41-._~"),
    "an unknown Connection word": wire.request("/canary.txt", headers=[("Connection", "x")]),
    "an offer to upgrade": wire.request("/canary.txt", headers=[
        ("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__")]),
}


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "canary.txt", b"canary")
    files.write_old(module_tree / "index.html", b"index")
    return module_fleet.serve(module_tree)


def test_the_table_is_large_and_its_rows_differ():
    assert len(ROWS) > 400
    assert len({name for name, _, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize("name,data,expected", ROWS, ids=[name for name, _, _ in ROWS])
def test_a_malformed_request_is_refused_and_ends_the_connection(served, name, data, expected):
    """What follows it in the same packet is not executed."""
    responses = wire.exchange(served.endpoint, data + FOLLOWERS)
    assert len(responses) == 1, name
    response, = responses
    assert response.status in expected
    assert response.announces_close
    assert response.body != b"canary"


@pytest.mark.parametrize("name", ACCEPTED)
def test_an_odd_but_right_request_is_answered(served, name):
    with served.connect() as connection:
        connection.send(ACCEPTED[name] + FOLLOWER)
        for _ in range(2):
            response = connection.read_response()
            assert (response.status, response.body) == (200, b"canary")


@pytest.mark.parametrize("target", [
    "/%", "/%1", "/%a", "/%zz", "/%g0", "/%0g", "/%-1", "/%+1", "/% 1".replace(" ", "%"), "/a%",
    "/%u0041", "/%%41", "/%00", "/canary.txt%00", "/canary.txt%00.html", "/%2f", "/%2F",
    "/a%2fcanary.txt", "/%2Fcanary.txt", "/a%2F..%2Fcanary.txt", "/..", "/../", "/../canary.txt",
    "/a/../../canary.txt", "/./../canary.txt", "/%2e%2e/canary.txt", "/.%2e/canary.txt",
    "/%2E./canary.txt", "/a/%2e%2e/%2e%2e/canary.txt", "/..?x", "/a/b/c/../../../../canary.txt"])
def test_a_path_that_means_nothing_here_is_400(served, target):
    assert served.get(target).status == 400


@pytest.mark.parametrize("target", ["/%", "/%zz", "/canary.txt%00", "/a\\b"])
def test_a_malformed_target_ends_the_connection_too(served, target):
    """It breaks the grammar of RFC 3986 as much as a space would."""
    response, = wire.exchange(served.endpoint, wire.request(target) + FOLLOWERS)
    assert response.status == 400
    assert response.announces_close


def test_the_mismatch_of_target_and_host_is_not_guessed_at(served):
    """RFC 9112 section 3.2.2: the target wins, unless the request is refused."""
    response = served.get("http://test/canary.txt", headers=[])
    assert response.body == b"canary"
    with served.connect() as connection:
        connection.send(wire.request("http://other/canary.txt", host="test",
                                     headers=[("Connection", "close")]))
        assert connection.read_response().status in (200, 400)


def test_refusals_do_not_flood_the_log(served):
    """Thousands of refusals may not fill a disk: they are counted, not told one by one."""
    before = len(served.stderr)
    for _ in range(3000):
        wire.exchange(served.endpoint, b"GET / HTTP/1.1\r\nbad\r\n\r\n")
    assert len(served.stderr) - before < 20_000


def test_refusals_are_counted_by_reason(served):
    before = served.scrape()
    for _ in range(10):
        wire.exchange(served.endpoint, b"GET / HTTP/1.1\nHost: test\n\n")
        wire.exchange(served.endpoint, b"GET / HTTP/1.1\r\n\r\n")
    after = served.scrape()
    name = "sluiced_http_protocol_errors_total"
    assert after.total(name) - before.total(name) == 20
    assert len([reason for reason in after.values(name, "reason")
                if after.total(name, reason=reason) - before.total(name, reason=reason) == 10]) == 2


def test_the_daemon_is_as_before_after_all_of_this(served):
    assert served.get("/canary.txt").body == b"canary"
