"""Redirects of a site: exact or by prefix, with the query, before any file is looked for."""

import urllib.parse

import pytest

from harness import files, sites, wire


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "old", b"never seen")
    files.write_old(module_tree / "file.txt", b"file")
    return module_fleet.run(sites.configuration("""\
        redirects:
          - {from: /old, to: /new}
          - {from: /temporary, to: /file.txt, status: 302}
          - {from: /same-method, to: /file.txt, status: 307}
          - {from: /for-ever, to: /file.txt, status: 308}
          - {from: /docs/*, to: "https://docs.example/v1/*"}
          - {from: /docs/intro, to: /file.txt}
          - {from: /flat/*, to: /*}
          - {from: /search, to: "/find?site=1"}
        """, f"- {{path: /, root: {module_tree}}}\n"))


@pytest.mark.parametrize("target,status,location", [
    ("/old", 301, "/new"),
    ("/temporary", 302, "/file.txt"),
    ("/same-method", 307, "/file.txt"),
    ("/for-ever", 308, "/file.txt"),
    ("/docs/a/b.html", 301, "https://docs.example/v1/a/b.html"),
    ("/docs/a/", 301, "https://docs.example/v1/a/"),
    ("/docs/", 301, "https://docs.example/v1/"),
    ("/docs/intro", 301, "/file.txt"),
    ("/docs/%C3%BC%20x%3Fy", 301, "https://docs.example/v1/%C3%BC%20x%3Fy"),
    ("/old?a=1&b=%2F", 301, "/new?a=1&b=%2F"),
    ("/search?q=x", 301, "/find?site=1&q=x"),
    ("/%6Fld", 301, "/new"),
    ("//old", 301, "/new"),
    ("/x/../old", 301, "/new")])
def test_a_redirect_leads_to_its_place(served, target, status, location):
    response = served.get(target)
    assert (response.status, response.header("location")) == (status, location)
    assert response.body != b"never seen"


@pytest.mark.parametrize("target", ["/old/", "/old/x", "/older", "/docs", "/Old"])
def test_what_only_looks_alike_is_not_redirected(served, target):
    assert served.get(target).header("location") is None


@pytest.mark.parametrize("target", [
    "/flat//evil.example", "/flat/%5Cevil.example", "/flat/\\evil.example", "/flat/..//evil.example",
    "/flat/%2F/evil.example", "/docs/../flat//evil.example", "/flat/.//evil.example"])
def test_no_redirect_leads_to_a_host_of_the_client(served, target):
    location = served.get(target).header("location")
    if location is not None:
        assert urllib.parse.urlsplit(location).netloc in ("", "docs.example")
        assert location[:2] not in ("//", "/\\")


def test_what_comes_from_the_client_cannot_break_the_field(served):
    response = served.get("/docs/%0D%0ASet-Cookie:%20x=1?\xff<>\"")
    assert response.status == 301
    assert response.header("set-cookie") is None
    assert response.header("location") == \
        "https://docs.example/v1/%0D%0ASet-Cookie%3A%20x%3D1?%FF%3C%3E%22"


def test_a_place_too_long_for_a_field_is_414(served):
    response = served.get("/docs/" + "/".join(["%FF" * 80] * 20))
    assert response.status == 414


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_every_method_is_redirected(served, method):
    with served.connect() as connection:
        connection.send(wire.request("/same-method", method=method,
                                     headers=[("Content-Length", "0"), ("Connection", "close")]))
        response = connection.read_response(method)
    assert (response.status, response.header("location")) == (307, "/file.txt")


def test_the_page_says_what_the_status_says_and_nothing_of_the_request(served):
    body = served.get("/docs/needle?needle").body
    assert b"301 Moved Permanently" in body and b"needle" not in body


def test_a_site_may_have_nothing_but_redirects(fleet):
    daemon = fleet.run(sites.configuration(
        "redirects: [{from: /*, to: 'https://example.org/*', status: 308}]\n"))
    response = daemon.get("/a/b?c")
    assert (response.status, response.header("location")) == (308, "https://example.org/a/b?c")
    assert daemon.get("/").header("location") == "https://example.org/"
