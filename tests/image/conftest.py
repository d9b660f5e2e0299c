"""The image, built once for all tests of a file."""

import os
import pathlib
import shutil

import pytest

from engine import Container, Engine, ROOT, confinement, enter_mounts_of_our_own, run

BUILD = pathlib.Path(os.environ["SLUICE_BUILD"])
IMAGE = "localhost/sluiced:test"
_BASE_IMAGE = "localhost/debian:bookworm-slim"


def _debian_sources():
    """Where this machine has its own Debian packages from."""
    found = [path for path in map(pathlib.Path, ("/etc/apt/sources.list.d/debian.sources",
                                                 "/etc/apt/sources.list")) if path.exists()]
    assert found, "this machine names no source of Debian packages"
    return found[:1]


def _base():
    """A small Debian as a tar file, made from its packages. It stays in the build folder."""
    made = BUILD / "debian-bookworm.tar"
    if not made.exists():
        unfinished = made.with_suffix(".new.tar")
        run("mmdebstrap", "--quiet", "--variant=minbase",
            "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", "bookworm", unfinished,
            *_debian_sources())
        unfinished.rename(made)
    return made


@pytest.fixture(scope="session")
def engine():
    enter_mounts_of_our_own()
    made = Engine()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def image(engine, tmp_path_factory):
    """The image by the project's own Dockerfile, with the program of this build."""
    scratch = engine.buildah("from", "scratch").stdout.strip()
    engine.buildah("add", scratch, _base(), "/")
    engine.buildah("commit", "--quiet", "--rm", scratch, _BASE_IMAGE)
    context = tmp_path_factory.mktemp("context")
    (context / ".ci").mkdir()
    for name in ("packages.txt", ".ci/install-packages", ".ci/lib.sh"):
        shutil.copy2(ROOT / name, context / name)
    run("cmake", "--install", BUILD, "--prefix", "/usr", "--component", "sluiced", "--strip",
        env=dict(os.environ, DESTDIR=str(context / "installed")))
    engine.buildah("build", "--pull-never", "--format", "docker", "--target", "prebuilt",
                   "--build-arg", f"BASE={_BASE_IMAGE}", "--build-arg", "TREE=installed",
                   "--file", ROOT / "docker/Dockerfile", "--tag", IMAGE, context)
    return IMAGE


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder that everybody may read, as the container's user has no name out here."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "hello.txt").write_text("Hello from a container\n")
    (folder / "large.bin").write_bytes(os.urandom(3 << 20))
    (folder / "below").mkdir()
    (folder / "below/page.html").write_text("<!DOCTYPE html><title>page</title>\n")
    for path in (folder, *folder.parents):
        if path.is_relative_to(BUILD):
            path.chmod(path.stat().st_mode | 0o055)
    return folder


@pytest.fixture
def start(engine, image, files):
    """Starts containers as docker/README.md says, with the given profile."""
    def start_one(profile, *arguments, options=()):
        return Container(engine, *confinement(profile), "--volume", f"{files}:/srv/www:ro",
                         *options, image, *arguments)
    return start_one
