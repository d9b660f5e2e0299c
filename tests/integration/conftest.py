"""Fixtures shared by all test files."""

import contextlib
import tempfile

import pytest

from harness import daemon, files, process


class Fleet:
    """Makes daemons that are stopped, and judged, at the end of the test or of the file."""

    def __init__(self, workdir):
        self.workdir = workdir
        self._running = []
        self._configurations = 0

    def start(self, *arguments, **options):
        made = daemon.Sluiced(arguments, self.workdir, **options)
        self._running.append(made)
        return made

    def serve(self, tree, *arguments, **options):
        return self.start("serve", tree, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
                          *arguments, **options)

    def write_configuration(self, text):
        self._configurations += 1
        path = self.workdir / f"sluiced-{self._configurations}.yaml"
        path.write_text(text)
        return path

    def run(self, text, **options):
        return self.start("run", "-c", self.write_configuration(text), **options)

    def close(self):
        """Stops what still runs. A daemon that has been waited for already is left alone."""
        running, self._running = self._running, []
        try:
            for made in running:
                if made.process.returncode is None:
                    made.stop()
        finally:
            for made in running:
                made.kill()


@contextlib.contextmanager
def _fleet(workdir):
    process.allow_many_descriptors()
    fleet = Fleet(workdir)
    try:
        yield fleet
    finally:
        fleet.close()


@pytest.fixture
def fleet(tmp_path):
    with _fleet(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def module_fleet(tmp_path_factory):
    with _fleet(tmp_path_factory.mktemp("fleet")) as made:
        yield made


@pytest.fixture
def tree(tmp_path):
    """An empty directory to serve."""
    path = tmp_path / "tree"
    path.mkdir()
    return path


@pytest.fixture
def root(tree):
    """A directory to serve, with a file."""
    files.write_old(tree / "a", b"file")
    return tree


@pytest.fixture
def other(tmp_path):
    """Another one, with another file."""
    path = tmp_path / "other"
    path.mkdir()
    files.write_old(path / "b", b"other")
    return path


@pytest.fixture(scope="module")
def module_tree(tmp_path_factory):
    return tmp_path_factory.mktemp("tree")


@pytest.fixture
def unprivileged():
    with process.Unprivileged() as made:
        yield made


@pytest.fixture
def short_path():
    """A folder whose path leaves room in the address of a unix socket (unix(7): 107 bytes)."""
    with tempfile.TemporaryDirectory(prefix="sluiced-") as path:
        yield path
