"""Pages of a site in place of ours: same status, no conditions, no ranges, no loop."""

import os

import pytest

from harness import files, sites

PAGE = b"<!doctype html><title>Ours</title><h1>Nothing here</h1>"


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    pages = module_tree / "pages"
    root = module_tree / "root"
    pages.mkdir()
    (root / "empty").mkdir(parents=True)
    files.write_old(pages / "404.html", PAGE)
    files.write_old(pages / "403.txt", b"not yours")
    files.write_old(pages / "405.json", b"{}")
    files.write_old(root / "file.txt", b"file")
    (root / ".secret").write_bytes(b"secret")
    os.mkfifo(root / "pipe")
    return module_fleet.run(sites.configuration(f"""\
        errors:
          403: {pages}/403.txt
          404: {pages}/404.html
          405: {pages}/405.json
        """, f"- {{path: /, root: {root}}}\n"))


@pytest.mark.parametrize("target,status,body,content_type", [
    ("/missing", 404, PAGE, "text/html; charset=utf-8"),
    ("/.secret", 404, PAGE, "text/html; charset=utf-8"),
    ("/file.txt/x", 404, PAGE, "text/html; charset=utf-8"),
    ("/empty/", 403, b"not yours", "text/plain; charset=utf-8")])
def test_an_error_has_its_page_and_its_status(served, target, status, body, content_type):
    response = served.get(target)
    assert (response.status, response.body) == (status, body)
    assert response.header("content-type") == content_type
    assert response.header("content-length") == str(len(body))
    # Ours forbids everything; theirs is theirs.
    assert response.header("content-security-policy") is None
    assert response.header("x-content-type-options") == "nosniff"


def test_the_page_for_405_keeps_allow(served):
    response = served.get("/file.txt", method="DELETE")
    assert (response.status, response.body) == (405, b"{}")
    assert response.header("allow")


def test_head_has_the_fields_of_get_and_no_body(served):
    got, head = served.get("/missing"), served.get("/missing", method="HEAD")
    assert head.status == 404
    assert [f for f in head.fields if f[0] != "date"] == [f for f in got.fields if f[0] != "date"]


def test_a_page_takes_no_ranges_and_no_conditions(served):
    response = served.get("/missing", headers=[("Range", "bytes=0-3"), ("If-None-Match", "*"),
                                               ("If-Modified-Since",
                                                "Fri, 31 Dec 2100 23:59:59 GMT")])
    assert (response.status, response.body) == (404, PAGE)
    for name in ("accept-ranges", "etag", "last-modified", "content-range"):
        assert response.header(name) is None


def test_the_page_itself_is_not_served(served):
    assert served.get("/404.html").status == 404
    assert served.get("/pages/404.html").status == 404


def test_a_bad_request_has_the_built_in_page(served):
    response = served.get("/%00")
    assert response.status == 400
    assert response.body != PAGE


def test_a_page_that_is_missing_or_too_large_leaves_the_built_in_one(fleet, tree):
    (tree / "large.html").write_bytes(b"x" * (256 * 1024 + 1))
    (tree / "root").mkdir()
    daemon = fleet.run(sites.configuration(f"""\
        errors:
          403: {tree}/large.html
          404: {tree}/none.html
        """, f"- {{path: /, root: {tree}/root}}\n"))
    assert "none.html" in daemon.stderr and "large.html" in daemon.stderr
    missing, forbidden = daemon.get("/missing"), daemon.get("/")
    assert missing.status == 404 and b"404 Not Found" in missing.body
    assert forbidden.status == 403 and b"403 Forbidden" in forbidden.body


def test_a_page_of_any_size_allowed_is_sent_whole(fleet, tree):
    body = files.pattern(256 * 1024)
    (tree / "404.html").write_bytes(body)
    daemon = fleet.run(sites.configuration(f"errors: {{404: {tree}/404.html}}\n",
                                           f"- {{path: /, root: {tree}}}\n"))
    assert daemon.get("/missing").body == body


def test_a_site_that_only_responds_has_its_page_too(fleet, tree):
    (tree / "gone.html").write_bytes(b"it was here")
    daemon = fleet.run(sites.configuration(
        f"respond: 410\nerrors: {{410: {tree}/gone.html}}\n"))
    for target in ("/", "/a/b"):
        response = daemon.get(target)
        assert (response.status, response.body) == (410, b"it was here")
