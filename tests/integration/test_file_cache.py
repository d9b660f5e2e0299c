"""What is served is never older than a change that the client could know of, though files are kept
open from one request to the next. Each change is made by a system call that has returned before the
request is sent."""

import ctypes
import mmap
import os
import signal
import threading

import pytest

from harness import wire
from harness.daemon import wait_until

CONFIGURATION = """
admin: {{listen: "127.0.0.1:0"}}
runtime: {{workers: 2, cached_files: {cached_files}}}
limits: {{requests_per_connection: 1000000000}}
listeners: [{{name: web, address: "127.0.0.1:0"}}]
sites:
  - name: _default
    mounts: [{{path: /, root: {root}}}]
"""


def run(fleet, tree, cached_files=64):
    return fleet.run(CONFIGURATION.format(root=tree, cached_files=cached_files))


def ask(connection, target="/d/f"):
    connection.send(wire.request(target))
    response = connection.read_response()
    return response.body if response.status == 200 else response.status


@pytest.fixture
def daemon(fleet, tree):
    (tree / "d").mkdir()
    (tree / "d/f").write_bytes(b"old")
    return run(fleet, tree)


@pytest.fixture
def connections(daemon):
    """So many that both shards have some, each of which has the file in its cache."""
    opened = [daemon.connect() for _ in range(8)]
    for _ in range(3):
        assert all(ask(connection) == b"old" for connection in opened)
    assert daemon.scrape().total("sluiced_file_cache_entries") >= 1
    yield opened
    for connection in opened:
        connection.close()


def exchange(one, other):
    at_fdcwd, rename_exchange = -100, 2
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.renameat2(at_fdcwd, os.fsencode(one), at_fdcwd, os.fsencode(other),
                          rename_exchange) == 0


def rewrite(tree):
    (tree / "d/f").write_bytes(b"new")
    return b"new"


def append(tree):
    with open(tree / "d/f", "ab") as file:
        file.write(b"er")
    return b"older"


def cut(tree):
    os.truncate(tree / "d/f", 1)
    return b"o"


def replace(tree):
    (tree / "g").write_bytes(b"replaced")
    os.rename(tree / "g", tree / "d/f")
    return b"replaced"


def remove(tree):
    os.unlink(tree / "d/f")
    return 404


def move_away(tree):
    os.rename(tree / "d/f", tree / "d/g")
    return 404


def move_the_directory(tree):
    os.rename(tree / "d", tree / "e")
    return 404


def swap_the_directory(tree):
    (tree / "e").mkdir()
    (tree / "e/f").write_bytes(b"the other")
    exchange(tree / "d", tree / "e")
    return b"the other"


def link_the_directory_out(tree):
    os.rename(tree / "d", tree / "e")
    os.symlink("/etc", tree / "d")
    os.rename(tree / "e/f", tree / "hostname")
    return 404


def write_through_a_hard_link(tree):
    os.link(tree / "d/f", tree / "other")
    (tree / "other").write_bytes(b"linked")
    return b"linked"


@pytest.mark.parametrize("change", [
    rewrite, append, cut, replace, remove, move_away, move_the_directory, swap_the_directory,
    link_the_directory_out, write_through_a_hard_link])
def test_a_change_is_seen_by_the_next_request(tree, connections, change):
    expected = change(tree)
    assert [ask(connection) for connection in connections] == [expected] * len(connections)


def test_a_validator_of_the_old_file_no_longer_matches(tree, daemon, connections):
    etag = daemon.get("/d/f").header("etag")
    replace(tree)
    answer = daemon.get("/d/f", headers=[("If-None-Match", etag)])
    assert answer.status == 200 and answer.body == b"replaced"


def test_no_stale_byte_is_served_while_a_file_is_replaced_under_load(tree, daemon, connections):
    """Whoever asks after the change returned gets it, or what came after it."""
    done = threading.Event()
    newest = [0]
    stale = []

    def read(connection):
        while not done.is_set():
            at_least = newest[0]
            seen = int(ask(connection).decode())
            if seen < at_least:
                stale.append((seen, at_least))

    (tree / "d/f").write_bytes(b"0")
    readers = [threading.Thread(target=read, args=(each,)) for each in connections]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 1500):
            (tree / "next").write_bytes(b"%d" % number)
            os.rename(tree / "next", tree / "d/f")
            newest[0] = number
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not stale
    assert [ask(connection) for connection in connections] == [b"1499"] * len(connections)
    assert daemon.scrape().total("sluiced_file_cache_invalidations_total") > 0


def test_a_removed_file_gives_its_room_back_though_nobody_asks(tree, daemon, connections):
    def holds_it():
        folder = f"/proc/{daemon.pid}/fd"
        for name in os.listdir(folder):
            try:
                if "(deleted)" in os.readlink(f"{folder}/{name}"):
                    return True
            except FileNotFoundError:
                pass
        return False

    os.unlink(tree / "d/f")
    wait_until(lambda: not holds_it(), "the removed file is closed")


def test_no_more_files_are_kept_than_configured(fleet, tree):
    for number in range(40):
        (tree / str(number)).write_bytes(b"%d" % number)
    daemon = run(fleet, tree, cached_files=10)
    before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    with daemon.connect() as connection:
        for _ in range(3):
            for number in range(40):
                for _ in range(2):
                    assert ask(connection, f"/{number}") == b"%d" % number
        page = daemon.scrape()
        assert 0 < page.total("sluiced_file_cache_entries") <= 10
        assert page.total("sluiced_file_cache_evictions_total") > 0
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) <= before + 10 + 1


def test_none_are_kept_when_switched_off(fleet, tree):
    (tree / "a").write_bytes(b"a")
    daemon = run(fleet, tree, cached_files=0)
    with daemon.connect() as connection:
        for _ in range(5):
            assert ask(connection, "/a") == b"a"
    assert daemon.scrape().total("sluiced_file_cache_entries") == 0
    assert daemon.scrape().total("sluiced_file_cache_lookups_total") == 5


def few_watches(count):
    """The launcher of a program that may have so many inotify watches."""
    return ["unshare", "--user", "--map-root-user", "sh", "-c",
            f'echo {count} >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"]


def test_more_files_than_may_be_watched_are_never_stale(fleet, tree):
    (tree / "d").mkdir()
    for number in range(20):
        (tree / f"d/{number}").write_bytes(b"old")
    text = CONFIGURATION.format(root=tree, cached_files=64)
    daemon = fleet.run(text, launcher=few_watches(6))
    with daemon.connect() as connection:
        for content in (b"old", b"new", b"newer"):
            for number in range(20):
                (tree / f"d/{number}").write_bytes(content)
            for _ in range(3):
                for number in range(20):
                    assert ask(connection, f"/d/{number}") == content
    page = daemon.scrape()
    assert page.total("sluiced_file_cache_not_watched_total") > 0
    assert 0 < page.total("sluiced_file_cache_entries") < 20


def test_answers_that_are_ready_are_sent_though_the_file_of_the_next_was_cut(fleet, tree):
    """Nobody has told the daemon, so its answer is begun with the length that it had."""
    for name in ("whole", "cut"):
        (tree / name).write_bytes(b"content")
    text = CONFIGURATION.format(root=tree, cached_files=64)
    text = text.replace("runtime: {", "runtime: {unwatched_file_age: 1h, ")
    daemon = fleet.run(text, launcher=few_watches(1))
    with daemon.connect() as connection:
        for _ in range(3):
            assert ask(connection, "/cut") == b"content"
        os.truncate(tree / "cut", 0)
        connection.send(wire.request("/whole") * 3 + wire.request("/cut"))
        for _ in range(3):
            assert connection.read_response().body == b"content"
        connection.expect_close()


def test_a_change_is_seen_though_the_kernel_lost_the_news_of_it(tree, daemon, connections):
    """While the daemon stands still more happens than inotify keeps; the last change is the one
    that matters."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as limit:
        most = int(limit.read())
    (tree / "d/g").write_bytes(b"")
    daemon.signal(signal.SIGSTOP)
    try:
        for number in range(most // 2 + 1000):
            # In turns: the kernel merges an event with one that equals it and came just before.
            os.utime(tree / "d/f", (number, number))
            os.utime(tree / "d/g", (number, number))
        (tree / "d/f").write_bytes(b"new")
    finally:
        daemon.signal(signal.SIGCONT)
    assert [ask(connection) for connection in connections] == [b"new"] * len(connections)
    assert daemon.scrape().total("sluiced_file_cache_events_lost_total") >= 1


def write_through_a_mapping(path, content):
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), len(content)) as mapping:
        mapping[:] = content


def test_a_write_through_a_mapping_changes_what_is_served(tree, connections):
    write_through_a_mapping(tree / "d/f", b"map")
    assert [ask(connection) for connection in connections] == [b"map"] * len(connections)


def keep_responses(tree, connections):
    """The response with a file is kept once it has not changed for a while."""
    os.utime(tree / "d/f", (1, 1))
    for _ in range(5):
        assert all(ask(connection) == b"old" for connection in connections)


@pytest.mark.parametrize("change", [rewrite, append, cut, replace, remove, write_through_a_hard_link])
def test_a_change_is_seen_though_the_response_is_kept(tree, daemon, connections, change):
    keep_responses(tree, connections)
    assert daemon.scrape().total("sluiced_file_pieces_total", path="kept") > 0
    expected = change(tree)
    assert [ask(connection) for connection in connections] == [expected] * len(connections)


def test_a_kept_response_is_no_older_than_a_second(tree, connections):
    """Nobody is told of a write through a mapping."""
    keep_responses(tree, connections)
    write_through_a_mapping(tree / "d/f", b"map")
    wait_until(lambda: all(ask(connection) == b"map" for connection in connections),
               "what was written through the mapping is served")


def test_no_stale_byte_is_served_while_directories_are_swapped_under_load(tree, connections):
    (tree / "e").mkdir()
    (tree / "e/f").write_bytes(b"one")
    exchange(tree / "d", tree / "e")
    for number in range(300):
        expected = b"old" if number % 2 == 0 else b"one"
        exchange(tree / "d", tree / "e")
        assert [ask(connection) for connection in connections] == [expected] * len(connections)
