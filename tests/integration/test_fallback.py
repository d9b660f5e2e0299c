"""Fallbacks: the page of a single-page application, for every path that nothing is at."""

import pytest

from harness import files, sites, wire

APP = b"<!doctype html><title>App</title>"


@pytest.fixture(scope="module")
def root(module_tree):
    (module_tree / "assets").mkdir()
    files.write_old(module_tree / "index.html", APP)
    files.write_old(module_tree / "assets" / "app.js", b"app()")
    (module_tree / ".git").mkdir()
    (module_tree / ".git" / "config").write_bytes(b"secret")
    (module_tree / "outside").symlink_to("/etc/passwd")
    return module_tree


@pytest.fixture(scope="module")
def served(module_fleet, root):
    return module_fleet.run(sites.configuration(
        "", f"- {{path: /, root: {root}, fallback: /index.html}}\n"))


@pytest.mark.parametrize("target", ["/user/42", "/user/42/", "/a?b=c", "/index.html/x",
                                    "/assets/missing.js", "/assets/", "/" + "x" * 255])
def test_where_there_is_nothing_the_application_is(served, target):
    response = served.get(target)
    assert (response.status, response.body) == (200, APP)
    assert response.header("content-type") == "text/html; charset=utf-8"
    assert response.header("etag")


def test_what_is_there_is_served_as_ever(served):
    assert served.get("/").body == APP
    assert served.get("/assets/app.js").body == b"app()"
    assert served.get("/assets").status == 301


def test_head_conditions_and_ranges_are_those_of_the_file(served):
    tag = served.get("/index.html").header("etag")
    assert served.get("/user/42").header("etag") == tag
    assert served.get("/user/42", method="HEAD").header("content-length") == str(len(APP))
    assert served.get("/user/42", headers=[("If-None-Match", tag)]).status == 304
    assert served.get("/user/42", headers=[("Range", "bytes=0-3")]).body == APP[:4]


@pytest.mark.parametrize("target", ["/.git/config", "/.env"])
def test_what_is_hidden_stays_so(served, target):
    response = served.get(target)
    assert response.status == 404 and b"secret" not in response.body


def test_a_link_out_of_the_root_shows_the_application_and_not_its_target(served):
    assert served.get("/outside").body == APP


@pytest.mark.parametrize("target,status", [("/%00", 400), ("/a%2Fb", 400), ("/../x", 400)])
def test_what_is_no_path_is_refused_as_ever(served, target, status):
    assert served.get(target).status == status


def test_other_methods_are_not_allowed_anywhere(served):
    assert served.get("/user/42", method="POST", headers=[("Content-Length", "0")]).status == 405


def test_it_is_tried_once(fleet, tree):
    daemon = fleet.run(sites.configuration(
        "", f"- {{path: /, root: {tree}, fallback: /missing.html}}\n"))
    assert daemon.get("/a").status == 404
    (tree / "missing.html").mkdir()
    assert daemon.get("/a").status == 404


def test_it_belongs_to_its_mount(fleet, tree, root):
    files.write_old(tree / "file.txt", b"file")
    daemon = fleet.run(sites.configuration("", f"""\
        - {{path: /, root: {tree}}}
        - {{path: /app/, root: {root}, fallback: /index.html}}
        """))
    assert daemon.get("/app/user/42").body == APP
    assert daemon.get("/user/42").status == 404


def test_it_follows_the_file(fleet, tree):
    """The application that is served is the one that is there now."""
    daemon = fleet.run(sites.configuration(
        "", f"- {{path: /, root: {tree}, fallback: /app.html}}\n"))
    with daemon.connect() as connection:
        for number in range(5):
            (tree / "new").write_bytes(b"version %d" % number)
            (tree / "new").rename(tree / "app.html")
            for _ in range(3):
                connection.send(wire.request("/somewhere"))
                assert connection.read_response().body == b"version %d" % number
