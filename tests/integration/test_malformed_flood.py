"""100,000 messages of malformed input over raw sockets: each is answered once, with an error of the
client's or not at all, and the daemon is afterwards as it was before.

SLUICED_FLOOD_MESSAGES sets another number; builds with sanitizers get a tenth unless it is set.
"""

import concurrent.futures
import multiprocessing
import os

import pytest

from harness import daemon, files, flood, process

PROCESSES = 4


def message_count():
    given = os.environ.get("SLUICED_FLOOD_MESSAGES")
    if given:
        return int(given)
    return 10_000 if process.is_sanitized(daemon.BINARY) else 100_000


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_old(module_tree / "file.txt", b"content of the file")
    (module_tree / "directory").mkdir()
    return module_fleet.serve(module_tree, "--listing")


def count_open(served, beginning):
    return len([thing for thing in process.open_things(served.pid) if thing.startswith(beginning)])


def test_a_flood_of_malformed_messages_changes_nothing(served, module_tree):
    sockets = count_open(served, "socket:")
    each = message_count() // PROCESSES
    totals = {}
    # Started afresh, since a fork would share the pipes of the daemon that runs already.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(PROCESSES, context) as pool:
        running = [pool.submit(flood.attack, served.endpoint.address, seed, each)
                   for seed in range(PROCESSES)]
        for done in concurrent.futures.as_completed(running):
            for status, times in done.result().items():
                totals[status] = totals.get(status, 0) + times
    # The flood has met every kind of answer, or it was none.
    assert {200, 400, 404, 405, 414, 417, 431, 501, 505} <= totals.keys(), totals
    assert totals[400] > message_count() // 4, totals
    assert served.get("/file.txt").body == b"content of the file"
    daemon.wait_until(lambda: count_open(served, "socket:") == sockets, "no connection is left")
    # Files that are kept for the next request are the only other thing that is left; and the root.
    assert count_open(served, str(module_tree)) <= served.scrape().total(
        "sluiced_file_cache_entries") + 1
    assert len(served.stderr) < 100_000
