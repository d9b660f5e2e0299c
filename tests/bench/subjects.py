"""What is measured: the files, and what the client does with them."""

import dataclasses
import os
import random

KIB, MIB = 1 << 10, 1 << 20
HOT_BYTES = {"1 KiB": KIB, "4 KiB": 4 * KIB, "64 KiB": 64 * KIB, "1 MiB": MIB,
             "100 MiB": 100 * MIB}
SMALL = f"/{KIB}.bin"
RANGE_BYTES = 64 * KIB
TREE_BYTES = 2 * KIB
TREE_FOLDER_FILES = 100
PROBE_RATE = 2000  # requests a second
PROBE_CONNECTIONS = 64

SMALL_PEERS = ("nginx", "nginx-copy", "h2o", "lighttpd", "caddy", "apache")
LARGE_PEERS = ("nginx", "h2o", "lighttpd", "caddy", "apache")
COLD_PEERS = ("nginx", "nginx-aio", "h2o", "lighttpd", "caddy", "apache")


@dataclasses.dataclass(frozen=True)
class Cold:
    """A set of files that are put out of the page cache before each request."""

    length: int
    files: int
    clients: int


@dataclasses.dataclass(frozen=True)
class Subject:
    """One row of the report. `group` says how it is run and which figures it has."""

    key: str
    title: str
    group: str  # "hot", "once", "cold", "probe" or "idle"
    words: tuple  # of the client's command line
    peers: tuple
    per_byte: bool = False  # CPU is told per GB rather than per request
    raw: bool = False  # the raw ring does it too
    cold: Cold | None = None
    length: int = 0  # of every body


def cold_sets(quick):
    """The sets by name. The quick ones are only just large enough for the clients."""
    if quick:
        return {"1 MiB": Cold(MIB, 64, 16), "16 KiB": Cold(16 * KIB, 320, 16),
                "100 MiB": Cold(100 * MIB, 4, 4)}
    return {"1 MiB": Cold(MIB, 768, 16), "16 KiB": Cold(16 * KIB, 6000, 16),
            "100 MiB": Cold(100 * MIB, 8, 4)}


def tree_files(quick):
    return 2000 if quick else 100000


def idle_connections(quick):
    return 1000 if quick else 10000


def _hot():
    for name, length in HOT_BYTES.items():
        for connections in (1, 64):
            large = length >= MIB
            yield Subject(
                f"hot-{name.replace(' ', '')}-{connections}",
                f"{name}, {connections} connection{'s' if connections > 1 else ''}", "hot",
                ("--path", f"/{length}.bin", "--length", length, "--connections", connections),
                LARGE_PEERS if large else SMALL_PEERS, per_byte=length >= 64 * KIB, raw=True,
                length=length)


def subjects(scratch, quick):
    """All of them, in the order of the report."""
    large = HOT_BYTES["100 MiB"]
    small = ("--path", SMALL, "--length", KIB)
    found = list(_hot())
    found += [
        Subject("close", "1 KiB, a connection for each request, 64 at a time", "hot",
                (*small, "--connections", 64, "--close"), SMALL_PEERS, raw=True, length=KIB),
        Subject("pipelined", "1 KiB, 16 requests in one piece, 64 connections", "hot",
                (*small, "--connections", 64, "--depth", 16), SMALL_PEERS, raw=True, length=KIB),
        Subject("ranges", "64 KiB ranges of a file of 100 MiB, 64 connections", "hot",
                ("--path", f"/{large}.bin", "--length", large, "--range", RANGE_BYTES,
                 "--connections", 64), LARGE_PEERS, per_byte=True, length=RANGE_BYTES),
        Subject("tree", f"{tree_files(quick):,} files of 2 KiB, once each, 64 connections", "once",
                ("--paths", scratch / "tree.txt", "--length", TREE_BYTES, "--once",
                 "--connections", 64), SMALL_PEERS, length=TREE_BYTES),
        Subject("idle", f"{idle_connections(quick):,} idle connections", "idle",
                (*small, "--hold", "--connections", idle_connections(quick)), LARGE_PEERS),
        Subject("probe", "no cold files", "probe", (), COLD_PEERS)]
    for name, cold in cold_sets(quick).items():
        found.append(Subject(
            f"cold-{name.replace(' ', '')}", f"cold files of {name}, {cold.clients} connections",
            "cold", ("--paths", scratch / f"cold-{cold.length}.txt", "--length", cold.length,
                     "--evict", scratch / "files", "--connections", cold.clients),
            COLD_PEERS, per_byte=True, cold=cold, length=cold.length))
    return found


def probe_words():
    """Of the client that asks for a hot file in an open loop."""
    return ("--path", SMALL, "--length", KIB, "--rate", PROBE_RATE, "--connections",
            PROBE_CONNECTIONS)


def write_files(scratch, wanted, quick):
    """The files that the subjects need, and the lists of their paths."""
    root = scratch / "files"
    root.mkdir()
    for length in HOT_BYTES.values():
        (root / f"{length}.bin").write_bytes(os.urandom(length))
    for subject in wanted:
        if subject.cold:
            _write_cold(scratch, subject.cold)
        elif subject.key == "tree":
            _write_tree(scratch, tree_files(quick))
    os.sync()  # what is dirty cannot be put out of the page cache


def _write_cold(scratch, cold):
    content = os.urandom(cold.length)
    paths = [f"/cold-{cold.length}-{number}.bin" for number in range(cold.files)]
    for path in paths:
        (scratch / "files" / path[1:]).write_bytes(content)
    (scratch / f"cold-{cold.length}.txt").write_text("\n".join(paths) + "\n")


def _write_tree(scratch, files):
    content, paths = os.urandom(TREE_BYTES), []
    for first in range(0, files, TREE_FOLDER_FILES):
        folder = scratch / "files" / "tree" / f"{first // TREE_FOLDER_FILES}"
        folder.mkdir(parents=True)
        for number in range(TREE_FOLDER_FILES):
            (folder / f"{number}.bin").write_bytes(content)
            paths.append(f"/tree/{folder.name}/{number}.bin")
    random.Random(1).shuffle(paths)  # in no order that a server could have foreseen
    (scratch / "tree.txt").write_text("\n".join(paths) + "\n")


def bytes_on_disk(wanted, quick):
    """About what write_files() takes."""
    cold = sum(subject.cold.length * subject.cold.files for subject in wanted if subject.cold)
    tree = any(subject.key == "tree" for subject in wanted)
    return sum(HOT_BYTES.values()) + cold + tree_files(quick) * 4 * KIB * tree
