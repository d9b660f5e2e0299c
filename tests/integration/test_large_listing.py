"""A directory of 200,000 entries is streamed whole, and nobody waits for it."""

import os
import pathlib
import shutil
import tempfile
import threading

import pytest

from harness import files, sites, wire

ENTRIES = 200_000
# A file system allows some 65,000 names for one file.
NAMES_OF_ONE = 50_000
IN_MEMORY = "/dev/shm"


@pytest.fixture
def crowd(tmp_path):
    """In memory where that is possible: disks take ten seconds to make and to remove it."""
    folder = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else tmp_path
    path = pathlib.Path(tempfile.mkdtemp(dir=folder, prefix="sluiced-crowd-"))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        for number in range(ENTRIES):
            name = f"entry-{number:06}"
            if number % NAMES_OF_ONE == 0:
                first = name
                os.close(os.open(first, os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
            else:
                os.link(first, name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        yield path
    finally:
        os.close(descriptor)
        shutil.rmtree(path)


def test_two_hundred_thousand_entries_are_streamed_and_others_are_answered_meanwhile(
        fleet, tree, crowd):
    """With one worker, which makes the listings and serves the others."""
    files.write_old(tree / "small.txt", b"small")
    daemon = fleet.run(sites.configuration("", f"""\
        - {{path: /, root: {tree}}}
        - {{path: /crowd/, root: {crowd}, listing: true}}
        """, extra=files.PATIENT + "runtime: {workers: 1}\n"))
    bodies = {}
    readers = [threading.Thread(target=lambda kind=kind: bodies.update(
        {kind: daemon.get(f"/crowd/?format={kind}").body})) for kind in ("ndjson", "text")]
    slow = daemon.connect(receive_buffer_bytes=4096)
    slow.send(wire.request("/crowd/?format=ndjson"))
    assert slow.read_head().header("transfer-encoding") == "chunked"
    for reader in readers:
        reader.start()
    answered = 0
    while answered < 100 or any(reader.is_alive() for reader in readers):
        assert daemon.get("/small.txt").body == b"small"
        answered += 1
    for reader in readers:
        reader.join()
    slow.close()
    for body in bodies.values():
        assert body.count(b"\n") == ENTRIES
        for number in (0, 1, ENTRIES // 2, ENTRIES - 1):
            assert f"entry-{number:06}".encode() in body
    assert len(bodies) == 2
