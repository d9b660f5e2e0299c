"""Index files, the redirect to a directory's slash, and directories that show nothing."""

import urllib.parse

import pytest

from harness import files, wire


@pytest.fixture(scope="module")
def root(module_tree):
    files.write_old(module_tree / "index.html", b"root index")
    for name in ("docs", "plain", "evil.example", "sp ace", "per%cent", "\\evil.example", "ü",
                 "line\r\nSet-Cookie: x=1", "a", "quo\"te", "que?stion", "ha#sh"):
        (module_tree / name).mkdir()
    (module_tree / "a" / "evil.example").mkdir()
    (module_tree / "dir-index" / "index.html").mkdir(parents=True)
    files.write_old(module_tree / "docs" / "index.html", b"docs index")
    files.write_old(module_tree / "plain" / "file.txt", b"file")
    return module_tree


@pytest.fixture(scope="module")
def served(module_fleet, root):
    return module_fleet.serve(root)


@pytest.fixture(scope="module")
def listed(module_fleet, root):
    return module_fleet.serve(root, "--listing")


def test_a_directory_shows_its_index_file(served):
    for target, body in (("/", b"root index"), ("/docs/", b"docs index"),
                         ("/docs/?x=y", b"docs index"), ("/plain/../docs/", b"docs index")):
        response = served.get(target)
        assert (response.status, response.body) == (200, body)
        assert response.header("content-type").startswith("text/html")
        assert response.header("etag")


def test_the_index_file_wins_over_the_listing(listed):
    assert listed.get("/docs/").body == b"docs index"


def test_ranges_and_conditions_hold_for_an_index_file(served):
    tag = served.get("/docs/").header("etag")
    assert served.get("/docs/", headers=[("If-None-Match", tag)]).status == 304
    assert served.get("/docs/", headers=[("Range", "bytes=0-3")]).body == b"docs"


def test_a_directory_without_index_is_not_shown(served):
    response = served.get("/plain/")
    assert response.status in (403, 404)
    assert b"file.txt" not in response.body
    assert served.get("/plain/file.txt").body == b"file"


def test_an_index_that_is_no_file_does_not_count(served, listed):
    assert served.get("/dir-index/").status in (403, 404)
    assert listed.get("/dir-index/").status in (200, 403, 404)


def test_index_files_are_those_of_the_configuration_in_order(fleet, tree):
    for name in ("second.html", "third.html"):
        files.write_old(tree / name, name.encode())
    daemon = fleet.run(files.configuration(
        tree, mount="index: [first.html, second.html, third.html]"))
    assert daemon.get("/").body == b"second.html"
    files.write_old(tree / "first.html", b"first.html")
    assert daemon.get("/").body == b"first.html"


def location_path(response):
    """The path of a redirect on this host. Anything that leads a browser elsewhere fails."""
    assert response.status == 301
    location = response.header("location")
    split = urllib.parse.urlsplit(location)
    assert split.netloc in ("", "test"), location
    if not split.netloc:
        # A browser takes "//host" and "/\host" for another host.
        assert location.startswith("/") and location[1:2] not in ("/", "\\"), location
    assert all(0x20 < ord(character) < 0x7F and character not in '<>"\\'
               for character in location), location
    return split.path


@pytest.mark.parametrize("target,path", [
    ("/docs", "/docs/"),
    ("/plain", "/plain/"),
    ("/a/evil.example", "/a/evil.example/"),
    ("/sp%20ace", "/sp%20ace/"),
    ("/per%25cent", "/per%25cent/"),
    ("/%C3%BC", "/%C3%BC/"),
    ("/%c3%bc", "/%C3%BC/"),
    ("/quo%22te", "/quo%22te/"),
    ("/que%3Fstion", "/que%3Fstion/"),
    ("/ha%23sh", "/ha%23sh/"),
    ("/line%0D%0ASet-Cookie:%20x=1", None),
    ("/./docs", "/docs/"),
    ("/plain/../docs", "/docs/"),
    ("//docs", "/docs/"),
    ("/docs?", "/docs/"),
])
def test_a_directory_without_its_slash_is_redirected(served, target, path):
    response = served.get(target)
    if path is None:  # a control character: refusing it is as good as encoding it
        if response.status != 301:
            assert response.status in (400, 404)
            return
        path = "/line%0D%0ASet-Cookie:%20x=1/"
    got = location_path(response)
    assert urllib.parse.unquote_to_bytes(got) == urllib.parse.unquote_to_bytes(path)
    assert response.header("set-cookie") is None
    assert served.get(got).status in (200, 403, 404)


def test_the_redirect_keeps_the_query(served):
    location = served.get("/docs?a=1&b=%2F").header("location")
    assert urllib.parse.urlsplit(location).query == "a=1&b=%2F"


@pytest.mark.parametrize("target", [
    "//evil.example", "///evil.example", "////evil.example", "/.//evil.example",
    "//./evil.example", "/a/..//evil.example", "/a/../../evil.example", "//evil.example/..",
    "//evil.example/../docs", "//evil.example/..//docs", "/a//evil.example", "//a/evil.example",
    "/%2F/evil.example", "/%2Fevil.example", "//evil.example%2F..", "/%5Cevil.example",
    "/\\evil.example", "//evil.example/%2e%2e", "//evil.example/%2e%2e/docs",
    "http://test//evil.example", "http://evil.example", "//evil.example:80/../docs",
])
def test_no_redirect_leads_to_another_host(served, target):
    with served.connect() as connection:
        connection.send(wire.request(target, headers=[("Connection", "close")]))
        response = connection.read_response()
    if 300 <= response.status < 400:
        location_path(response)
    else:
        assert response.header("location") is None


def test_the_host_of_the_request_does_not_choose_where_a_redirect_leads(served):
    for host in ("evil.example", "evil.example:99", "127.0.0.1"):
        with served.connect() as connection:
            connection.send(wire.request("/docs", host=host, headers=[("Connection", "close")]))
            location = connection.read_response().header("location")
        assert urllib.parse.urlsplit(location).netloc in ("", host)


def test_head_of_a_directory_is_like_get(served):
    for target in ("/", "/docs", "/plain/"):
        assert served.get(target, method="HEAD").status == served.get(target).status
