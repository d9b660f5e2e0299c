"""The tree that every server serves, and what lies around it and must never be seen."""

import os
import time

CANARY = b"CANARY-THAT-MUST-NEVER-LEAVE"
INSIDE = b"inside the root\n"
LENGTH = 10000
HUGE_LENGTH = 5 << 30
HUGE_TAIL = bytes(range(256))
CONTENT = b"".join((index * 2654435761 % (1 << 32)).to_bytes(4, "big") for index in range(2500))
AGE_S = 30 * 86400

# Names of files that need care on their way through a URI, and nothing more.
ODD_NAMES = ["a b.txt", "percent%20.txt", "plus+.txt", "question?.txt", "hash#.txt", "semi;x=y.txt",
             "colon:x.txt", "at@x.txt", "quote'.txt", 'double".txt', "less<more>.txt", "amp&x.txt",
             "back\\slash.txt", "caf\u00e9.txt", "\u65e5\u672c.txt", "tilde~.txt", "comma,x.txt",
             "dollar$.txt", "[bracket].txt", "{brace}.txt", "pipe|.txt", "caret^.txt", "%2e%2e",
             "x..", "%", "%zz.txt", "equals=.txt"]


def content_of(name):
    """What stands in the file inside the root whose name is odd."""
    return b"content of " + os.fsencode(name)


def make(top):
    """Makes top/root and what lies beside it; returns the root."""
    root = top / "root"
    for folder in ("root/sub/deeper", "root/dir", "root-sibling", "outside"):
        (top / folder).mkdir(parents=True)
    for place in ("canary.txt", "root-sibling/canary.txt", "outside/canary.txt"):
        (top / place).write_bytes(CANARY)
    for place in ("inside.txt", "sub/inside.txt", "sub/deeper/inside.txt", "dir/inside.txt"):
        (root / place).write_bytes(INSIDE)
    for name in ODD_NAMES:
        (root / name).write_bytes(content_of(name))
    (root / "first.txt").write_bytes(b"first")
    (root / "follower.txt").write_bytes(b"follower")
    (root / "smuggled.txt").write_bytes(b"smuggled")
    (root / "bytes.bin").write_bytes(CONTENT)
    (root / "empty.bin").write_bytes(b"")
    (root / "one.bin").write_bytes(CONTENT[:1])
    with open(root / "huge.bin", "wb") as file:
        file.truncate(HUGE_LENGTH - len(HUGE_TAIL))
        file.seek(0, os.SEEK_END)
        file.write(HUGE_TAIL)
    (root / "link-out.txt").symlink_to("../canary.txt")
    (root / "link-out").symlink_to("../outside")
    then = int(time.time()) - AGE_S
    for path in [*root.rglob("*")]:
        if not path.is_symlink():
            os.utime(path, (then, then))
    return root
