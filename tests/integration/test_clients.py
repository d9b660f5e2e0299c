"""Clients that people use each download a large file, and each resume a download that was cut.

The file has 1 GiB; builds with sanitizers get one of 64 MiB. SLUICED_DOWNLOAD_MIB sets
another size.
"""

import hashlib
import http.client
import os
import random
import subprocess
import time

import pytest

from harness import browser, cutting_proxy, daemon, files, process

LIMIT_S = 200
BLOCK_BYTES = 1 << 16


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def length():
    given = os.environ.get("SLUICED_DOWNLOAD_MIB")
    if given:
        return int(given) * files.MIB
    return 64 * files.MIB if process.is_sanitized(daemon.BINARY) else files.GIB


@pytest.fixture(scope="module")
def large(module_tree):
    """The path of the file: a random kilobyte in every block, so that no two of them are equal, and
    holes in between."""
    path = module_tree / "large.bin"
    generator = random.Random(4)
    with open(path, "wb") as file:
        file.truncate(length())
        for start in range(0, length(), BLOCK_BYTES):
            os.pwrite(file.fileno(), generator.randbytes(1024), start)
    then = int(time.time()) - 3600
    os.utime(path, (then, then))
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def digest(large):
    return digest_of(large)


@pytest.fixture(scope="module")
def served(module_fleet, module_tree, large):
    return module_fleet.serve(module_tree)


@pytest.fixture
def out(tmp_path):
    """Where the download goes; it is not kept, since there are many."""
    path = tmp_path / "out.bin"
    yield path
    for left in tmp_path.iterdir():
        left.unlink()


@pytest.fixture
def cut(served):
    """A way to the daemon on which a download breaks off after two fifths."""
    with cutting_proxy.CuttingProxy(served.endpoint.address, length() * 2 // 5) as proxy:
        yield proxy


def run(*command):
    """The exit status of a client."""
    return subprocess.run([*map(str, command)], stdin=subprocess.DEVNULL, timeout=LIMIT_S,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode


def with_curl(url, out):
    return run("curl", "-sSf", "-C", "-", "-o", out, url)


def with_wget(url, out):
    return run("wget", "-q", "--tries=1", "--no-proxy", "-c", "-O", out, url)


def with_aria2(url, out):
    return run("aria2c", "--no-conf", "--quiet", "-x16", "-s16", "-k1M", "-c", "--max-tries=1",
               "--file-allocation=none", "-d", out.parent, "-o", out.name, url)


def with_python(url, out):
    """http.client, with the headers that a careful program sends."""
    have = out.stat().st_size if out.exists() else 0
    etag = out.with_suffix(".etag")
    headers = {"Range": f"bytes={have}-", "If-Range": etag.read_text()} if have else {}
    host = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host[0], timeout=LIMIT_S)
    try:
        connection.request("GET", "/" + host[2], headers=headers)
        response = connection.getresponse()
        assert response.status == (206 if have else 200)
        etag.write_text(response.headers["ETag"])
        with open(out, "ab") as file:
            while data := response.read(files.MIB):
                file.write(data)
        return 0 if out.stat().st_size == length() else 1
    except (http.client.HTTPException, OSError):
        return 1
    finally:
        connection.close()


CLIENTS = {"curl": with_curl, "wget": with_wget, "aria2": with_aria2, "http.client": with_python}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_large_file_arrives_as_it_is(served, digest, out, client):
    assert CLIENTS[client](f"{served.url}/large.bin", out) == 0
    assert digest_of(out) == digest


@pytest.mark.parametrize("client", CLIENTS)
def test_a_download_that_was_cut_is_resumed(cut, digest, out, client):
    """By another run of the client, unless it has tried again by itself, as aria2 does."""
    url = f"{cut.url}/large.bin"
    first = CLIENTS[client](url, out)
    assert cut.was_cut
    assert out.stat().st_size > 0
    if first != 0:
        assert CLIENTS[client](url, out) == 0
    assert cut.resuming, cut.requests
    assert digest_of(out) == digest


def only_file(folder):
    path, = folder.iterdir()
    return path


def test_a_browser_downloads_a_large_file(served, digest, out):
    with browser.Browser() as chromium:
        chromium.download(f"{served.url}/large.bin", out.parent)
    assert digest_of(only_file(out.parent)) == digest


def test_a_browser_resumes_a_download_that_was_cut(cut, digest, out):
    with browser.Browser() as chromium:
        chromium.download(f"{cut.url}/large.bin", out.parent)
    assert cut.was_cut
    assert any(b"if-range: " in request.lower() for request in cut.resuming), cut.requests
    assert digest_of(only_file(out.parent)) == digest
