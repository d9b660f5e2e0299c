"""Files that are not in the page cache: they are read ahead, awaited and sent whole, whatever their
length, from wherever they begin, and however many read one at the same time."""

import concurrent.futures
import os

import pytest

from harness import files, process, wire

KIB = 1 << 10
SMALL = 8 * KIB  # read into the buffer of its head
LENGTH = 5 * files.MIB + 4321
CONTENT = files.pattern(LENGTH)


@pytest.fixture(scope="module")
def public():
    with process.Unprivileged() as made:
        yield made


@pytest.fixture(scope="module")
def root(public):
    tree = public.make_tree()
    files.write_old(tree / "large.bin", CONTENT)
    return tree


@pytest.fixture(scope="module", params=[True, False], ids=["owner", "stranger"])
def owns_files(request):
    return request.param


@pytest.fixture(scope="module")
def served(owns_files, module_fleet, root, public):
    """By who owns the files, or by somebody else, whom cachestat(2) tells nothing about them."""
    options = {} if owns_files else public.options
    return module_fleet.serve(root, binary=public.binary, **options)


def put_out(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold_pieces(served):
    return served.scrape().total("sluiced_file_pieces_total", path="cold")


@pytest.mark.parametrize("length", [
    1, 4 * KIB, 8 * KIB + 1, 31 * KIB, 80 * KIB, 128 * KIB, 128 * KIB + 1, 512 * KIB, 512 * KIB + 1,
    files.MIB])
def test_a_cold_file_is_sent_whole(served, owns_files, root, length):
    path = root / f"{length}.bin"
    files.write_old(path, CONTENT[:length])
    before = cold_pieces(served)
    for _ in range(3):  # the last of them from a file that is kept open
        put_out(path)
        assert served.get(f"/{length}.bin").body == CONTENT[:length]
    # Who is not told by cachestat(2) what is there has to try, and that alone may bring it.
    assert length <= SMALL or not owns_files or cold_pieces(served) > before


def test_a_cold_file_behind_requests_that_came_with_it(served, root):
    """What is ready for those leaves room or not for the contents that have to be read."""
    files.write_old(root / "warm.bin", CONTENT[:SMALL])
    names = ["warm.bin", "first.bin", "warm.bin", "warm.bin", "second.bin", "warm.bin"]
    for name in ("first.bin", "second.bin"):
        files.write_old(root / name, CONTENT[:20 * KIB])
        put_out(root / name)
    with served.connect() as connection:
        connection.send(b"".join(wire.request(f"/{name}") for name in names))
        for name in names:
            assert connection.read_response().body == (root / name).read_bytes()


@pytest.mark.parametrize("first,last", [
    (0, 300 * KIB), (1, 700 * KIB), (files.MIB + 5, 3 * files.MIB), (80 * KIB - 1, LENGTH - 1),
    (LENGTH - 200 * KIB, LENGTH - 1)])
def test_a_range_of_a_cold_file(served, root, first, last):
    put_out(root / "large.bin")
    response = served.get("/large.bin", headers=[("Range", f"bytes={first}-{last}")])
    assert response.status == 206
    assert response.body == CONTENT[first:last + 1]


def test_ranges_of_a_cold_file_that_go_back(served, root):
    put_out(root / "large.bin")
    parts = ((3 * files.MIB, 5 * files.MIB - 1), (0, files.MIB))
    response = served.get("/large.bin", headers=[
        ("Range", "bytes=" + ", ".join(f"{first}-{last}" for first, last in parts))])
    assert response.status == 206
    at = [response.body.find(CONTENT[first:last + 1]) for first, last in parts]
    assert -1 not in at and at == sorted(at)


def test_readers_of_one_cold_file_do_not_disturb_each_other(served, root):
    """They share a descriptor, and with it what the kernel knows of its reader."""
    put_out(root / "large.bin")
    starts = [0, 0, 700 * KIB, 2 * files.MIB + 1, 4 * files.MIB, 0]
    with concurrent.futures.ThreadPoolExecutor(len(starts)) as pool:
        bodies = list(pool.map(
            lambda start: served.get("/large.bin",
                                     headers=[("Range", f"bytes={start}-")]).body, starts))
    assert [body == CONTENT[start:] for start, body in zip(starts, bodies, strict=True)] == \
        [True] * len(starts)


def test_a_file_that_goes_cold_while_it_is_sent(served, root):
    """How often it has to wait depends on how much the sockets have taken by then."""
    put_out(root / "large.bin")
    with served.connect() as connection:
        connection.send(wire.request("/large.bin", headers=[("Connection", "close")]))
        connection.read_head()
        for begin in range(0, LENGTH, files.MIB):
            put_out(root / "large.bin")
            end = min(begin + files.MIB, LENGTH)
            assert connection.read_exactly(end - begin) == CONTENT[begin:end]
        connection.expect_close()
