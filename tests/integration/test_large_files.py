"""Files of more than 4 GiB: lengths, ranges and resumed downloads with numbers beyond 32 bits."""

import subprocess

import pytest

from harness import files

TAIL = files.pattern(files.MIB, 9)
LENGTH = 4 * files.GIB + 123_457


@pytest.fixture(scope="module")
def served(module_fleet, module_tree):
    files.write_sparse(module_tree / "large.bin", LENGTH, TAIL)
    return module_fleet.serve(module_tree)


def test_head_tells_the_length(served):
    response = served.get("/large.bin", method="HEAD")
    assert response.header("content-length") == str(LENGTH)


@pytest.mark.parametrize("value,first,last", [
    (f"bytes={LENGTH - 1000}-", LENGTH - 1000, LENGTH - 1),
    ("bytes=-70000", LENGTH - 70000, LENGTH - 1),
    (f"bytes={2**32 - 500}-{2**32 + 499}", 2**32 - 500, 2**32 + 499),
    (f"bytes={2**32}-{2**32}", 2**32, 2**32),
    (f"bytes={2**31 - 1}-{2**31}", 2**31 - 1, 2**31),
    (f"bytes={LENGTH - 1}-{2**62}", LENGTH - 1, LENGTH - 1),
])
def test_a_part_far_behind_is_sent(served, value, first, last):
    response = served.get("/large.bin", headers=[("Range", value)])
    assert response.status == 206
    assert response.header("content-range") == f"bytes {first}-{last}/{LENGTH}"
    begin = LENGTH - len(TAIL)
    expected = b"\0" * max(0, min(last + 1, begin) - first) + \
        TAIL[max(0, first - begin):max(0, last + 1 - begin)]
    assert response.body == expected


def test_a_range_behind_the_end_is_not_satisfiable(served):
    for value in (f"bytes={LENGTH}-", f"bytes={LENGTH + 2**32}-"):
        response = served.get("/large.bin", headers=[("Range", value)])
        assert response.status == 416
        assert response.header("content-range") == f"bytes */{LENGTH}"


def test_curl_resumes_the_last_mebibyte(served, tmp_path):
    part = files.write_sparse(tmp_path / "part", LENGTH - len(TAIL))
    subprocess.run(["curl", "-sSf", "-C", "-", "-o", part, f"{served.url}/large.bin"],
                   check=True, timeout=120)
    assert part.stat().st_size == LENGTH
    with open(part, "rb") as file:
        file.seek(LENGTH - len(TAIL))
        assert file.read() == TAIL


def test_the_whole_file_is_downloaded(served):
    """The bytes are counted by curl, and the last of them are the last of the file."""
    before = served.scrape().total("sluiced_http_response_body_bytes_total")
    with subprocess.Popen(
            ["curl", "-sSf", "-w", "%{stderr}%{http_code} %{size_download}",
             f"{served.url}/large.bin"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as curl:
        tail = subprocess.run(["tail", "-c", str(len(TAIL))], stdin=curl.stdout, check=True,
                              stdout=subprocess.PIPE, timeout=240).stdout
        assert curl.stderr.read().decode() == f"200 {LENGTH}"
        assert curl.wait(60) == 0
    assert tail == TAIL
    after = served.scrape().total("sluiced_http_response_body_bytes_total")
    assert after - before == LENGTH
