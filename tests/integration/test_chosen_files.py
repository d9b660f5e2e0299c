"""Index files and fallbacks are files like any other: coded, described, and told apart by caches."""

import base64
import gzip
import hashlib

import pytest

from harness import files, sites

APP = b"<!doctype html><title>App</title>" * 50
APP_GZIP = gzip.compress(APP)
ORIGIN = "https://app.example"
GZIP = ("Accept-Encoding", "gzip")
TARGETS = ["/", "/index.html", "/user/42", "/user/42/"]

MOUNT = """\
- path: /
  root: {root}
  fallback: /index.html
  sidecars: [gz]
  digest: true
  headers: [{{match: /index.html, set: {{X-Rule: index}}}}]
  cors: {{origins: ["{origin}"]}}
- path: /list/
  root: {root}/list
  listing: true
  cors: {{origins: ["{origin}"]}}
"""


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "index.html", APP)
    files.write_old(module_tree / "index.html.gz", APP_GZIP)
    files.write_old(module_tree / "alone.txt", b"alone")
    (module_tree / "list").mkdir()
    files.write_old(module_tree / "list" / "a", b"a")
    return module_fleet.run(sites.configuration(
        "", MOUNT.format(root=module_tree, origin=ORIGIN)))


@pytest.mark.parametrize("target", TARGETS)
def test_the_sibling_is_sent_to_who_takes_it(served, target):
    for _ in range(3):  # opened, kept open, found
        coded = served.get(target, headers=[GZIP])
        assert (coded.status, coded.body) == (200, APP_GZIP)
        assert coded.header("content-encoding") == "gzip"
        assert coded.header("content-type") == "text/html; charset=utf-8"
        plain = served.get(target)
        assert (plain.status, plain.body) == (200, APP)
        assert plain.header("content-encoding") is None


@pytest.mark.parametrize("target", TARGETS)
def test_conditions_and_ranges_are_those_of_the_sibling(served, target):
    tag = served.get("/index.html", headers=[GZIP]).header("etag")
    assert served.get(target, headers=[GZIP, ("If-None-Match", tag)]).status == 304
    assert served.get(target, headers=[("If-None-Match", tag)]).status == 200
    part = served.get(target, headers=[GZIP, ("Range", "bytes=0-9")])
    assert (part.status, part.body) == (206, APP_GZIP[:10])


@pytest.mark.parametrize("target", TARGETS)
def test_digest_and_fields_are_those_of_the_file(served, target):
    expected = base64.b64encode(hashlib.sha256(APP).digest()).decode()
    for _ in range(3):
        response = served.get(target, headers=[("Want-Repr-Digest", "sha-256=10")])
        assert (response.status, response.body) == (200, APP)
        assert response.header("repr-digest") == f"sha-256=:{expected}:"
        assert response.header("x-rule") == "index"


@pytest.mark.parametrize("target,vary", [
    ("/", "Accept-Encoding, Origin"), ("/user/42", "Accept-Encoding, Origin"),
    ("/alone.txt", "Origin"), ("/list/", "Accept, Origin"), ("/list/?format=json", "Origin"),
    ("/list/none", "Origin"),
])
@pytest.mark.parametrize("headers", [[], [("Origin", ORIGIN)]], ids=["same-origin", "cors"])
def test_one_field_names_all_that_an_answer_varies_by(served, target, vary, headers):
    assert served.get(target, headers=headers).header("vary") == vary


def test_what_has_not_changed_varies_as_it_did(served):
    tag = served.get("/").header("etag")
    response = served.get("/", headers=[("If-None-Match", tag)])
    assert (response.status, response.header("vary")) == (304, "Accept-Encoding, Origin")


def test_a_preflight_names_the_methods_and_varies_by_origin(served):
    response = served.get("/", method="OPTIONS", headers=[
        ("Origin", ORIGIN), ("Access-Control-Request-Method", "GET")])
    assert (response.status, response.header("allow")) == (204, "GET, HEAD, OPTIONS")
    assert response.header("access-control-allow-origin") == ORIGIN
    assert response.header("vary") == "Origin"
