"""What is neither a file nor a directory, and what may not be read: refused at once."""

import os
import socket

import pytest

from harness import files, process, wire


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", b"file")
    os.mkfifo(module_tree / "fifo")
    os.mkfifo(module_tree / "fifo-with-index.html")
    (module_tree / "folder").mkdir()
    os.mkfifo(module_tree / "folder" / "index.html")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(module_tree)  # the path of a socket is short
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(module_tree / "null", 0o666 | 0o020000, os.makedev(1, 3))
        os.mknod(module_tree / "zero", 0o666 | 0o020000, os.makedev(1, 5))
        os.mknod(module_tree / "terminal", 0o666 | 0o020000, os.makedev(5, 0))
        os.mknod(module_tree / "block", 0o666 | 0o060000, os.makedev(7, 255))
    return module_fleet.serve(module_tree, "--listing")


def special_names(tree):
    return [path.name for path in tree.iterdir() if not path.is_file() and not path.is_dir()]


def test_special_files_answer_at_once_with_an_error(served, module_tree):
    """A FIFO without a writer would keep whoever opens it waiting for ever."""
    names = special_names(module_tree)
    assert len(names) >= 3
    for name in names:
        for method in ("GET", "HEAD"):
            for target in (f"/{name}", f"/{name}?x", f"/folder/../{name}"):
                assert served.get(target, method=method).status in (403, 404), target
        assert served.get(f"/{name}/").status in (403, 404)
        assert served.get(f"/{name}", headers=[("Range", "bytes=0-9")]).status in (403, 404)


def test_special_files_hold_no_other_request_up(served):
    waiting = [served.connect() for _ in range(200)]
    for connection in waiting:
        connection.send(wire.request("/fifo"))
    assert served.get("/file.txt").body == b"file"
    for connection in waiting:
        assert connection.read_response().status in (403, 404)
        connection.close()


def test_a_fifo_with_a_writer_is_not_read(served, module_tree):
    writer = os.open(module_tree / "fifo", os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(writer, b"for somebody else")
        assert b"somebody" not in served.get("/fifo").body
        assert os.read(writer, 100) == b"for somebody else"
    finally:
        os.close(writer)


def test_an_index_that_is_a_fifo_is_not_shown(served):
    assert served.get("/folder/").status in (200, 403, 404)


def test_refused_files_are_closed_again(served):
    served.get("/fifo")
    before = process.descriptor_count(served.pid)
    for _ in range(300):
        served.get("/fifo")
    assert process.descriptor_count(served.pid) <= before + 2


def test_a_file_that_may_not_be_read_is_403(unprivileged, fleet):
    tree = unprivileged.make_tree()
    for name in ("open.txt", "closed.txt", "no-list/file.txt", "no-enter/file.txt"):
        (tree / name).parent.mkdir(exist_ok=True)
        files.write_old(tree / name, name.encode())
    os.chmod(tree / "closed.txt", 0)
    os.chmod(tree / "no-list", 0o711)
    os.chmod(tree / "no-enter", 0o644)
    if os.geteuid() != 0:
        os.chmod(tree / "no-list", 0o111)
    daemon = fleet.serve(tree, "--listing", binary=unprivileged.binary, **unprivileged.options)
    assert daemon.get("/open.txt").body == b"open.txt"
    assert daemon.get("/closed.txt").status == 403
    assert daemon.get("/no-list/").status == 403
    assert daemon.get("/no-list/file.txt").body == b"no-list/file.txt"
    assert daemon.get("/no-enter/file.txt").status == 403
    assert daemon.get("/open.txt").body == b"open.txt"
    os.chmod(tree / "closed.txt", 0o644)
    assert daemon.get("/closed.txt").body == b"closed.txt"
    os.chmod(tree / "no-list", 0o755)  # so that it can be removed
    os.chmod(tree / "no-enter", 0o755)
