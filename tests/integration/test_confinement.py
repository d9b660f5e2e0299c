"""Nothing outside the root is ever served: not by dots, encodings, symbolic links or races."""

import ctypes
import itertools
import os
import random
import threading

import pytest

from harness import files, wire

CANARY = b"CANARY-THAT-MUST-NEVER-LEAVE"
AT_FDCWD = -100
RENAME_EXCHANGE = 2


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """root/ is served; its parent and a sibling whose name begins like it hold the canary."""
    top = tmp_path_factory.mktemp("places")
    root = top / "root"
    for folder in ("root/sub/deeper", "root-sibling", "outside/folder"):
        (top / folder).mkdir(parents=True)
    for path in ("canary.txt", "root-sibling/canary.txt", "outside/canary.txt",
                 "outside/folder/canary.txt", "outside/folder/index.html"):
        (top / path).write_bytes(CANARY)
    files.write_old(root / "inside.txt", b"inside")
    files.write_old(root / "sub" / "file.txt", b"sub file")
    files.write_old(root / "sub" / "deeper" / "deep.txt", b"deep file")
    links = {
        "to-file": "../canary.txt",
        "to-file-absolute": top / "canary.txt",
        "to-folder": "../outside",
        "to-folder-absolute": top / "outside",
        "to-parent": "..",
        "to-slash": "/",
        "to-proc": "/proc/self/root",
        "to-passwd": "/etc/passwd",
        "chain-1": "chain-2",
        "chain-2": "sub/chain-3",
        "sub/chain-3": "../../outside",
        "sub/up-and-out": "../../root/../canary.txt",
        "back-in": "../root/inside.txt",
        "loop": "loop",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
        "dangling": "nowhere",
        "empty-index/index.html": "../../canary.txt",
        "good-file": "inside.txt",
        "good-folder": "sub/deeper",
        "good-chain": "good-folder",
        "sub/good-up": "../inside.txt",
    }
    (root / "empty-index").mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    return top


@pytest.fixture(scope="module")
def served(module_fleet, places):
    return module_fleet.serve(places / "root", "--listing")


def assert_confined(response):
    assert CANARY not in response.body
    assert b"root:x:0" not in response.body
    assert response.status < 500


@pytest.mark.parametrize("target", [
    "/to-file", "/to-file-absolute", "/to-folder", "/to-folder/", "/to-folder/canary.txt",
    "/to-folder/folder/", "/to-folder/folder/canary.txt", "/to-folder-absolute/",
    "/to-folder-absolute/canary.txt", "/to-parent", "/to-parent/", "/to-parent/canary.txt",
    "/to-slash", "/to-slash/etc/passwd", "/to-proc/etc/passwd", "/to-passwd", "/chain-1",
    "/chain-1/", "/chain-1/canary.txt", "/chain-2/folder/canary.txt", "/sub/chain-3/canary.txt",
    "/sub/up-and-out", "/back-in", "/loop", "/loop/", "/loop-a", "/dangling", "/dangling/x",
    "/to-folder/%63anary.txt", "/sub/../to-file", "/to-folder/../inside-not.txt"])
def test_a_symbolic_link_out_of_the_root_is_not_followed(served, target):
    response = served.get(target)
    assert_confined(response)
    assert response.status in (403, 404)


def test_an_index_that_is_a_link_out_of_the_root_is_not_shown(served):
    response = served.get("/empty-index/")
    assert_confined(response)
    assert response.status in (200, 403, 404)


@pytest.mark.parametrize("target,body", [("/good-file", b"inside"),
                                         ("/good-folder/deep.txt", b"deep file"),
                                         ("/good-chain/deep.txt", b"deep file"),
                                         ("/sub/good-up", b"inside")])
def test_a_symbolic_link_within_the_root_is_followed(served, target, body):
    response = served.get(target)
    assert (response.status, response.body) == (200, body)


def test_links_can_be_switched_off(fleet, places):
    daemon = fleet.run(files.configuration(places / "root",
                                           extra="defaults:\n  symlinks: none\n"))
    for target in ("/good-file", "/good-folder/deep.txt", "/sub/good-up", "/to-file"):
        response = daemon.get(target)
        assert_confined(response)
        assert response.status in (403, 404)
    assert daemon.get("/inside.txt").body == b"inside"


def test_a_root_that_is_a_link_is_the_folder_it_leads_to(fleet, places):
    link = places / "link-to-root"
    link.symlink_to("root")
    daemon = fleet.serve(link)
    assert daemon.get("/inside.txt").body == b"inside"
    assert_confined(daemon.get("/to-file"))


def _spellings():
    """Ways up, with every spelling of the dots and slashes that some server has fallen for."""
    dots = ["..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "%25%32%65%25%32%65", "..%00", "%00..",
            "..%20", "..;", "..;x=y", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e",
            "%f0%80%80%ae.", "..%0d", "..%09", "....", "...", ". .", ".%20."]
    slashes = ["/", "//", "%2f", "%2F", "%252f", "\\", "%5c", "%255c", "%c0%af", "%e0%80%af",
               "/./", "%2f%2f", "/%2f", ";/", "%u2215", "%bg%qf"]
    starts = ["/", "/sub/", "/sub/deeper/", "//", "/./", "/%2f", "/nowhere/", "/to-folder/",
              "/inside.txt/", "\\", "/%5c"]
    ends = ["canary.txt", "root-sibling/canary.txt", "outside/canary.txt", "etc/passwd"]
    for start, dot, slash, depth, end in itertools.product(starts, dots, slashes, (1, 2, 3), ends):
        yield start + (dot + slash) * depth + end


def test_thousands_of_spellings_of_the_way_up_lead_nowhere(served):
    targets = list(_spellings())
    random.Random(3).shuffle(targets)
    targets = targets[:5000] + [
        "/..", "/../", "/../canary.txt", "/../root-sibling/canary.txt", "-sibling/canary.txt",
        "/-sibling/canary.txt", "/.-sibling/canary.txt", "/sub/../../root-sibling/canary.txt",
        "/etc/passwd", "//etc/passwd", "/proc/self/environ", "/proc/self/cwd/canary.txt",
        "file:///etc/passwd", "http://test/../canary.txt", "http://test/..%2fcanary.txt",
        "http://test//../canary.txt", "/~root/", "/~/", "/%7e", "/" + "../" * 100 + "etc/passwd",
        "/" + "%2e%2e%2f" * 100 + "etc/passwd", "/" + "a/../" * 200 + "../canary.txt",
        "/sub/" + "/" * 3000 + "../../canary.txt"]
    connection = served.connect()
    for target in targets:
        connection.send(wire.request(target))
        response = connection.read_response()
        assert_confined(response)
        assert response.status in (200, 301, 400, 403, 404), target
        if response.status == 200:  # the way up stayed inside
            assert response.body in (b"inside", b"sub file", b"deep file") or \
                b"<html" in response.body.lower(), target
        if response.announces_close:
            connection.expect_close()
            connection = served.connect()
    connection.close()


def test_every_short_path_of_dots_and_slashes_stays_inside(served):
    """All words of up to five letters over an alphabet of what paths are made of."""
    alphabet = ["/", ".", "..", "%2e", "%2f", "sub"]
    connection = served.connect()
    for length in range(1, 6):
        for word in itertools.product(alphabet, repeat=length):
            connection.send(wire.request("/" + "".join(word), method="HEAD"))
            response = connection.read_response("HEAD")
            assert response.status in (200, 301, 400, 404), word
            if response.announces_close:
                connection.expect_close()
                connection = served.connect()
    connection.close()


@pytest.fixture
def hidden_tree(tree):
    for path in (".env", ".git/config", "sub/.secret", ".well-known/security.txt", "..odd", "...",
                 "visible.txt", ".well-known/.inner"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        files.write_old(tree / path, b"content of " + path.encode())
    return tree


HIDDEN = ["/.env", "/.git/config", "/.git/", "/.git", "/sub/.secret", "/%2eenv", "/%2Egit/config",
          "/./.env", "/sub/../.env", "/..odd", "/...", "/.missing", "/.well-known/.inner",
          "/.well-known-not/x"]


def test_hidden_files_are_not_served(fleet, hidden_tree):
    daemon = fleet.serve(hidden_tree, "--listing")
    for target in HIDDEN:
        response = daemon.get(target)
        assert response.status == 404, target
        assert b"content of" not in response.body
    assert daemon.get("/visible.txt").status == 200
    assert daemon.get("/.well-known/security.txt").body == b"content of .well-known/security.txt"


def test_hidden_files_can_be_allowed(fleet, hidden_tree):
    daemon = fleet.run(files.configuration(hidden_tree, extra="defaults:\n  hidden: allow\n"))
    for target in ("/.env", "/.git/config", "/sub/.secret", "/..odd"):
        assert daemon.get(target).body == b"content of " + target[1:].encode()
    assert daemon.get("/../.env").status == 400


def exchange_names(one, other):
    """renameat2(2): both names change places at once, so that neither is ever missing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other),
                      RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def flip(stop, pairs):
    while not stop.is_set():
        for one, other in pairs:
            exchange_names(one, other)


def test_no_race_with_a_swapped_link_leads_out(fleet, tmp_path):
    """While a folder and a link out of the root change places without pause, every answer is the
    file inside or an error. What is checked first and opened later fails this."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    for folder in (root / "flip" / "sub", outside / "sub"):
        folder.mkdir(parents=True)
    (root / "flip" / "file.txt").write_bytes(b"inside")
    (root / "flip" / "sub" / "file.txt").write_bytes(b"inside")
    (outside / "file.txt").write_bytes(CANARY)
    (outside / "sub" / "file.txt").write_bytes(CANARY)
    for folder in (outside, outside / "sub"):  # A listing is not to show even names from there.
        (folder / CANARY.decode()).write_bytes(b"")
    (root / "swap").symlink_to(outside)
    (root / "swap-file").symlink_to(outside / "file.txt")
    (root / "flip-file").write_bytes(b"inside")
    daemon = fleet.serve(root, "--listing")
    stop = threading.Event()
    flipper = threading.Thread(target=flip, args=(stop, [
        (root / "flip", root / "swap"), (root / "flip-file", root / "swap-file")]))
    flipper.start()
    seen = {200: 0, 404: 0}
    try:
        connections = [daemon.connect() for _ in range(8)]
        for turn in range(1500):
            target = ("/flip/file.txt", "/flip/sub/file.txt", "/flip-file", "/flip/sub/",
                      "/flip/")[turn % 5]
            for connection in connections:
                connection.send(wire.request(target))
            for connection in connections:
                response = connection.read_response()
                assert CANARY not in response.body
                assert response.status in (200, 301, 403, 404), response
                seen[200 if response.status == 200 else 404] += 1
                assert response.status != 200 or response.body == b"inside" or turn % 5 > 2
        for connection in connections:
            connection.close()
    finally:
        stop.set()
        flipper.join()
    assert seen[200] and seen[404], f"the race was not a race: {seen}"
