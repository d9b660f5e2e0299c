"""Directories as tar and zip: whole, under the rules of their mount, and never half without it
being seen."""

import io
import os
import tarfile
import threading
import zipfile

import pytest

from harness import files, process, sites, wire
from harness.daemon import wait_until

CONTENT = {"a.txt": b"a", "sub/b.bin": files.pattern(300_000), "sub/deep/c": b"",
           "ümläut 日本語.txt": b"unicode", "x" * 200 + "/" + "y" * 200 + ".txt": b"long"}


@pytest.fixture(scope="module")
def root(module_tree):
    top = module_tree / "tree"
    for name, content in CONTENT.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_old(path, content)
    (top / "empty").mkdir()
    (top / ".hidden").write_bytes(b"hidden")
    (top / ".git").mkdir()
    (top / ".git" / "config").write_bytes(b"hidden")
    (top / "inside").symlink_to("a.txt")
    (top / "outside").symlink_to("/etc/passwd")
    (top / "loop").symlink_to(".")
    (top / "sub" / "up").symlink_to("..")
    (top / "dangling").symlink_to("nowhere")
    os.mkfifo(top / "pipe")
    return module_tree


def mount(root, rest=""):
    return f"- {{path: /, root: {root}, archive: [tar, zip]{rest}}}\n"


@pytest.fixture(scope="module")
def served(module_fleet, root):
    return module_fleet.run(sites.configuration("", mount(root, ", listing: true")))


def tar_of(body):
    """{name: content} of the files, and the names of the directories."""
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        members = tar.getmembers()
        contents = {m.name: tar.extractfile(m).read() for m in members if m.isfile()}
        assert all(m.isfile() or m.isdir() for m in members)
        assert all((m.uid, m.gid, m.uname) == (0, 0, "") for m in members)
        return contents, {m.name for m in members if m.isdir()}


def zip_of(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert all(info.compress_type == zipfile.ZIP_STORED for info in infos)
        return ({info.filename: archive.read(info) for info in infos if not info.is_dir()},
                {info.filename.rstrip("/") for info in infos if info.is_dir()})


READ = {"tar": tar_of, "zip": zip_of}
TYPES = {"tar": "application/x-tar", "zip": "application/zip"}


@pytest.mark.parametrize("kind", READ)
def test_an_archive_holds_what_can_be_had_singly(served, kind):
    response = served.get(f"/tree/?archive={kind}")
    assert (response.status, response.header("content-type")) == (200, TYPES[kind])
    contents, directories = READ[kind](response.body)
    expected = {"tree/" + name: content for name, content in CONTENT.items()}
    expected["tree/inside"] = b"a"
    assert contents == expected
    assert {"tree", "tree/sub", "tree/sub/deep", "tree/empty"} <= directories
    assert not any("loop" in name or "up" in name or ".git" in name for name in directories)


@pytest.mark.parametrize("kind", READ)
def test_it_is_a_download_with_a_name(served, kind):
    response = served.get(f"/tree/?archive={kind}", method="HEAD")
    assert response.header("content-disposition") == \
        f"attachment; filename=\"tree.{kind}\"; filename*=UTF-8''tree.{kind}"
    assert response.header("transfer-encoding") == "chunked"
    assert "archive." in served.get(f"/?archive={kind}", method="HEAD").header("content-disposition")


@pytest.mark.parametrize("kind", READ)
def test_names_of_any_bytes_and_times_are_kept(fleet, tree, kind):
    name = b"latin-\xfc.txt"
    with open(os.fsencode(tree) + b"/" + name, "wb") as file:
        file.write(b"x")
    files.write_old(tree / "€.txt", b"euro")
    body = fleet.run(sites.configuration("", mount(tree))).get(f"/?archive={kind}").body
    if kind == "tar":
        with tarfile.open(fileobj=io.BytesIO(body), encoding="utf-8") as tar:
            assert {os.fsencode(m.name) for m in tar.getmembers() if m.isfile()} == \
                {b"archive/" + name, "archive/€.txt".encode()}
            assert tar.getmember("archive/€.txt").mtime == int((tree / "€.txt").stat().st_mtime)
    else:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            flagged = {info.filename: info.flag_bits & 0x800 for info in archive.infolist()}
            assert flagged["archive/€.txt"]
            # Only bytes, and so not marked as UTF-8.
            assert flagged["archive/" + name.decode("cp437")] == 0


@pytest.mark.parametrize("kind", READ)
def test_a_filter_that_forbids_openat2_changes_nothing(fleet, root, served, kind):
    """The threads that make archives and listings have no ring of the shard's to open through."""
    configuration = sites.configuration("", mount(root, ", listing: true"))
    filtered = fleet.run(configuration, launcher=process.without_openat2())
    there = READ[kind](filtered.get(f"/tree/?archive={kind}").body)
    assert there == READ[kind](served.get(f"/tree/?archive={kind}").body)
    assert there[0]["tree/inside"] == b"a"
    assert "tree/outside" not in there[0]
    assert filtered.get("/tree/inside").body == b"a"
    for target in ("/tree/?format=text", "/tree/sub/?format=text"):
        assert sorted(filtered.get(target).body.splitlines()) == \
            sorted(served.get(target).body.splitlines())
    assert b"inside" in filtered.get("/tree/?format=text").body


def test_links_are_left_out_where_none_is_followed(fleet, root):
    daemon = fleet.run(sites.configuration("", mount(root, ", symlinks: none")))
    contents, _ = tar_of(daemon.get("/tree/?archive=tar").body)
    assert "tree/inside" not in contents and "tree/a.txt" in contents


def test_hidden_files_are_there_where_they_are_served(fleet, root):
    daemon = fleet.run(sites.configuration("", mount(root, ", hidden: allow")))
    contents, _ = tar_of(daemon.get("/tree/?archive=tar").body)
    assert contents["tree/.hidden"] == contents["tree/.git/config"] == b"hidden"


def test_an_archive_goes_before_the_index_file(fleet, tree):
    files.write_old(tree / "index.html", b"index")
    daemon = fleet.run(sites.configuration("", mount(tree)))
    assert daemon.get("/").body == b"index"
    assert tar_of(daemon.get("/?archive=tar").body)[0] == {"archive/index.html": b"index"}


def test_only_what_a_mount_offers_can_be_had(fleet, root, served):
    assert served.get("/tree/?archive=rar").status == 400
    assert served.get("/tree/a.txt?archive=tar").body == b"a"
    assert served.get("/tree?archive=tar").header("location") == "/tree/?archive=tar"
    only_zip = fleet.run(sites.configuration("", f"- {{path: /, root: {root}, archive: [zip]}}\n"))
    assert only_zip.get("/tree/?archive=tar").status == 400
    none = fleet.run(sites.configuration("", f"- {{path: /, root: {root}}}\n"))
    assert none.get("/tree/?archive=tar").status == 403


def test_the_listing_leads_to_it(served):
    assert b"?archive=tar" in served.get("/tree/").body
    assert b"?archive=zip" in served.get("/tree/").body


def test_a_client_of_http_1_0_gets_it_without_chunks(served):
    with served.connect() as connection:
        connection.send(wire.request("/tree/?archive=tar", version="HTTP/1.0"))
        response = connection.read_response()
    assert response.header("transfer-encoding") is None and response.announces_close
    assert tar_of(response.body)[0]["tree/a.txt"] == b"a"


def test_a_connection_goes_on_behind_an_archive(served):
    with served.connect() as connection:
        for _ in range(2):
            connection.send(wire.request("/tree/?archive=zip"))
            assert zip_of(connection.read_response().body)[0]["tree/a.txt"] == b"a"
            connection.send(wire.request("/tree/a.txt"))
            assert connection.read_response().body == b"a"


@pytest.fixture
def large(tmp_path):
    """More than sockets hold, so that an archive waits for its reader."""
    path = tmp_path / "large"
    path.mkdir()
    files.write_sparse(path / "zeros", 64 * files.MIB)
    return path


def start(daemon):
    connection = daemon.connect(receive_buffer_bytes=4096)
    connection.send(wire.request("/?archive=tar"))
    assert connection.read_head().status == 200
    return connection


def test_only_so_many_are_made_at_the_same_time(fleet, large):
    daemon = fleet.run(sites.configuration(
        "", mount(large), extra=files.PATIENT + "archives: {max_concurrent: 2}\n"))
    first, second = start(daemon), start(daemon)
    refused = daemon.get("/?archive=tar")
    assert refused.status == 503
    assert refused.header("retry-after")
    assert daemon.get("/?archive=tar", method="HEAD").status == 200
    # Who leaves makes room.
    first.reset()
    third = wait_until(lambda: try_start(daemon), "an archive of its own")
    second.reset()
    third.reset()


def try_start(daemon):
    connection = daemon.connect(receive_buffer_bytes=4096)
    connection.send(wire.request("/?archive=tar"))
    if connection.read_head().status == 200:
        return connection
    connection.close()
    return None


def test_a_client_that_leaves_leaves_nothing_open(fleet, large):
    # With one worker the first answer proves that all there will be is open.
    daemon = fleet.run(sites.configuration(
        "", mount(large), extra=files.PATIENT + "runtime: {workers: 1}\n"))
    assert daemon.get("/?archive=tar", method="HEAD").status == 200
    before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
    for _ in range(10):
        wait_until(lambda: try_start(daemon), "a slot").reset()
    wait_until(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) <= before, "descriptors closed")


def test_other_requests_are_answered_meanwhile(fleet, large):
    files.write_old(large / "small.txt", b"small")
    daemon = fleet.run(sites.configuration(
        "", mount(large), extra=files.PATIENT + "runtime: {workers: 1}\n"))
    threads = [threading.Thread(target=daemon.get, args=("/?archive=zip",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        assert daemon.get("/small.txt").body == b"small"
    for thread in threads:
        thread.join()


def test_one_with_too_many_entries_is_cut_off(fleet, tree):
    for number in range(20):
        (tree / str(number)).write_bytes(files.pattern(100_000))
    daemon = fleet.run(sites.configuration("", mount(tree), extra="archives: {max_entries: 10}\n"))
    with daemon.connect() as connection:
        connection.send(wire.request("/?archive=tar"))
        with pytest.raises(wire.Cut):
            connection.read_response()


def test_one_of_a_file_that_gets_shorter_is_cut_off(fleet, large):
    daemon = fleet.run(sites.configuration("", mount(large), extra=files.PATIENT))
    connection = start(daemon)
    os.truncate(large / "zeros", files.MIB)
    with pytest.raises(wire.Cut):
        connection._read_chunks()
    connection.close()


def test_a_file_of_more_than_8_gib_is_whole_in_the_head_of_a_tar(fleet, tree):
    files.write_sparse(tree / "huge", 9 * files.GIB)
    daemon = fleet.run(sites.configuration("", mount(tree), extra=files.PATIENT))
    with daemon.connect(receive_buffer_bytes=65536) as connection:
        connection.send(wire.request("/?archive=tar"))
        assert connection.read_head().status == 200
        size = int(connection._take_line(), 16)
        header = connection.read_exactly(min(size, 1024))
        connection.reset()
    member = tarfile.TarInfo.frombuf(header[512:1024], "utf-8", "strict")
    assert (member.name, member.size) == ("archive/huge", 9 * files.GIB)
