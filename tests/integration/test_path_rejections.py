"""Paths that may not be served are counted by reason, each request once."""

import os
import socket

import pytest

from harness import files, sites

FAMILY = "sluiced_path_rejections_total"


@pytest.fixture(scope="module")
def root(module_tree):
    files.write_old(module_tree / "index.html", b"index")
    (module_tree / ".hidden").write_bytes(b"x")
    (module_tree / "out").symlink_to("../elsewhere")
    (module_tree / "self").symlink_to("self")
    (module_tree / "link").symlink_to("index.html")
    os.mkfifo(module_tree / "pipe")
    here = os.getcwd()
    os.chdir(module_tree)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as plain:
        plain.bind("socket")
    os.chdir(here)
    return module_tree


def count(daemon, reason):
    return daemon.scrape().total(FAMILY, reason=reason)


CASES = [
    ("/%zz", 400, "bad_encoding"), ("/a%", 400, "bad_encoding"), ("/%00", 400, "encoded_nul"),
    ("/a%2fb", 400, "encoded_slash"), ("/../x", 400, "escape"), ("/%2e%2e/x", 400, "escape"),
    ("/a\\b", 400, "bad_target"), ("/" + "x" * 256, 404, "too_long"),
    ("/.hidden", 404, "hidden"), ("/a/.b/c", 404, "hidden"), ("/out", 404, "escape"),
    ("/self", 404, "symlink"), ("/pipe", 403, "not_regular"), ("/socket", 403, "not_regular")]


@pytest.mark.parametrize("target,status,reason", CASES)
@pytest.mark.parametrize("fallback", ["", ", fallback: /nothing.html"])
def test_each_reason_is_counted_once(fleet, root, target, status, reason, fallback):
    daemon = fleet.run(sites.configuration("", f"- {{path: /, root: {root}{fallback}}}\n"))
    assert daemon.get(target).status == status
    counted = {name: count(daemon, name) for name in (
        "bad_target", "bad_encoding", "encoded_nul", "encoded_slash", "escape", "too_long",
        "hidden", "symlink", "not_regular")}
    assert {name: value for name, value in counted.items() if value} == {reason: 1}


def test_every_reason_that_is_counted_is_met_above(fleet, root):
    daemon = fleet.run(sites.configuration("", f"- {{path: /, root: {root}}}\n"))
    assert daemon.scrape().values(FAMILY, "reason") == {reason for _, _, reason in CASES}


def test_a_link_where_none_is_followed_is_counted(fleet, root):
    daemon = fleet.run(sites.configuration("", f"- {{path: /, root: {root}, symlinks: none}}\n"))
    assert daemon.get("/link").status == 404
    assert count(daemon, "symlink") == 1


def test_what_is_served_or_not_there_is_not_counted(fleet, root):
    daemon = fleet.run(sites.configuration("", f"- {{path: /, root: {root}}}\n"))
    for target, status in (("/", 200), ("/link", 200), ("/missing", 404), ("/index.html/x", 404)):
        assert daemon.get(target).status == status
    assert all(count(daemon, name) == 0 for name in ("escape", "symlink", "hidden", "not_regular"))
