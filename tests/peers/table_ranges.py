"""Byte ranges of a file: RFC 9110 section 14."""

import re

from rows import ACCEPTABLE, FAILED, PREFERRED, Row, by_outcome, request
from tree import CONTENT, HUGE_LENGTH, HUGE_TAIL, LENGTH

TITLE = "Ranges"
LAST = LENGTH - 1
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)\Z")
NO_LENGTH = "416 without Content-Range"
TELLS_LENGTH = f"bytes={LENGTH}-"  # The row in which it is judged.
_FILES = {"/bytes.bin": CONTENT, "/one.bin": CONTENT[:1], "/empty.bin": b""}


def _bytes_of(target, first, last):
    if target == "/huge.bin":
        zeros = HUGE_LENGTH - len(HUGE_TAIL)
        return bytes(max(0, min(last + 1, zeros) - first)) + \
            HUGE_TAIL[max(0, first - zeros):max(0, last + 1 - zeros)]
    return _FILES[target][first:last + 1]


def _length_of(target):
    return HUGE_LENGTH if target == "/huge.bin" else len(_FILES[target])


def _check_part(target, value, body):
    """The positions of one part, or what is wrong with it."""
    match = _CONTENT_RANGE.match(value or "")
    if not match:
        return f"Content-Range: {value}"
    first, last, length = map(int, match.groups())
    if length != _length_of(target) or last >= length or first > last:
        return f"Content-Range: {value}"
    if body != _bytes_of(target, first, last):
        return f"the wrong bytes for {first}-{last}"
    return first, last


def parts_of(target, answer):
    """The parts of a 206 in their order, or what is wrong with it."""
    kind = answer.field("content-type") or ""
    boundary = re.match(r'multipart/byteranges; *boundary="?([^";]+)"?', kind, re.IGNORECASE)
    if not boundary:
        part = _check_part(target, answer.field("content-range"), answer.body)
        return part if isinstance(part, str) else [part]
    if answer.field("content-range"):
        return "Content-Range outside the parts"
    delimiter = b"\r\n--" + boundary[1].encode()
    pieces = (b"\r\n" + answer.body).split(delimiter)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return "a multipart without its end"
    parts = []
    for piece in pieces[1:-1]:
        head, _, body = piece.partition(b"\r\n\r\n")
        value = re.search(rb"(?im)^content-range: *(.*?) *\r?$", head)
        part = _check_part(target, value[1].decode() if value else None, body)
        if isinstance(part, str):
            return part
        parts.append(part)
    return parts


def outcome(target, exchange, method="GET"):
    """One word for the answer: "200", "416", "206 0-9 20-29" or what is wrong with it."""
    if len(exchange.answers) != 1 or exchange.rest:
        return exchange.shown()
    answer, = exchange.answers
    if answer.status == 206 and method == "HEAD":
        return "206"
    if answer.status == 206:
        if not answer.whole:
            return "a body that is cut"
        parts = parts_of(target, answer)
        return parts if isinstance(parts, str) else \
            "206 " + " ".join(f"{first}-{last}" for first, last in parts)
    if answer.status == 416:
        value = answer.field("content-range")
        if value is None:
            return NO_LENGTH
        return "416" if value == f"bytes */{_length_of(target)}" else \
            f"416 with Content-Range: {value}"
    if answer.status == 200 and target != "/huge.bin" and answer.body not in (
            _FILES[target], b""):
        return "200 with the wrong bytes"
    return str(answer.status)


def _row(value, section, preferred, acceptable=(), target="/bytes.bin", method="GET", fields=()):
    """`acceptable` with 416 allows one that does not tell the length, too: that it should is judged
    in a row of its own, and not in each."""
    allows_416 = "416" in (preferred, *acceptable) and value != TELLS_LENGTH
    name = f"{value or '(empty)'}"
    name = f"{name[:60]}... ({len(name)} bytes)" if len(name) > 70 else name
    if target != "/bytes.bin":
        name += f" of {target[1:]}"
    if method != "GET":
        name += f", {method}"
    if fields:
        name += f", {'; '.join(fields)}"
    return Row(name, section, request(target, method=method, fields=[f"Range: {value}", *fields]),
               preferred, by_outcome(lambda exchange: outcome(target, exchange, method), preferred,
                                     [*acceptable, *([NO_LENGTH] if allows_416 else [])]),
               (method,))


def _single():
    parts = [(0, 0), (0, 1), (0, 499), (500, 999), (1, 1), (LAST, LAST), (LAST - 1, LAST),
             (0, LAST), (0, LAST - 1), (4095, 4096), (4096, 8191), (8191, 8192), (1234, 5678)]
    for first, last in parts:
        yield _row(f"bytes={first}-{last}", "14.1.2", f"206 {first}-{last}", ["200"])
    for first in (0, 1, 500, 4096, LAST - 1, LAST):
        yield _row(f"bytes={first}-", "14.1.2", f"206 {first}-{LAST}", ["200"])
    for suffix in (1, 2, 500, 4096, LAST):
        yield _row(f"bytes=-{suffix}", "14.1.2", f"206 {LENGTH - suffix}-{LAST}", ["200"])
    # A last position behind the end, or a suffix longer than the whole, means the end or the whole.
    for last in (LENGTH, LENGTH + 1, 99999, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 7,
                 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 7, 10**25, 10**60):
        yield _row(f"bytes=7-{last}", "14.1.2", f"206 7-{LAST}", ["200"])
        yield _row(f"bytes=-{last}", "14.1.2", f"206 0-{LAST}", ["200"])
    for first, last in ((2**32, 2**32 + 9), (2**32 - 5, 2**32 + 4), (HUGE_LENGTH - 10, 2**64),
                        (2**31 - 1, 2**31), (HUGE_LENGTH - 300, HUGE_LENGTH - 200)):
        end = min(last, HUGE_LENGTH - 1)
        yield _row(f"bytes={first}-{last}", "14.1.2", f"206 {first}-{end}", ["200"], "/huge.bin")
    yield _row("bytes=-100", "14.1.2", f"206 {HUGE_LENGTH - 100}-{HUGE_LENGTH - 1}", ["200"],
               "/huge.bin")
    yield _row("bytes=0-0", "14.1.2", "206 0-0", ["200"], "/one.bin")
    yield _row("bytes=-5", "14.1.2", "206 0-0", ["200"], "/one.bin")
    yield _row("bytes=0-99", "14.1.2", "206 0-0", ["200"], "/one.bin")


def _spelling():
    zeros = "0" * 30
    yield _row(f"bytes={zeros}10-{zeros}20", "14.1.1", "206 10-20", ["200"])
    yield _row(f"bytes=-{zeros}5", "14.1.1", f"206 {LENGTH - 5}-{LAST}", ["200"])
    yield _row("bytes=007-010", "14.1.1", "206 7-10", ["200"])
    for value in ("Bytes=0-1", "BYTES=0-1", "bYtEs=0-1"):  # Units are case-insensitive.
        yield _row(value, "14.1", "206 0-1", ["200"])
    # An empty member of a list is to be skipped; blanks around members are to be taken.
    for value in ("bytes=0-1,", "bytes=,0-1", "bytes=, ,0-1", "bytes=0-1 ", "bytes=0-1 ,",
                  "bytes=0-1,\t,", "bytes= 0-1"):
        yield _row(value, "5.6.1.2", "206 0-1", ["200"])
    yield _row(" bytes=0-1", "5.5", "206 0-1", ["200"])


def _invalid():
    """14.2: a Range that is not understood is ignored; 416 where a set is invalid is allowed too,
    since 14.2 lets a server reject one, but not where the unit is unknown."""
    for value in ("bytes=", "bytes=-", "bytes=a-b", "bytes=5", "bytes=5-4", "bytes=999-0",
                  "bytes=--5", "bytes=5--", "bytes=5--9", "bytes=+5-9", "bytes=5-+9", "bytes=-+5",
                  "bytes=0x0-0x9", "bytes=0.0-9", "bytes=1e1-2e1", "bytes=0 -9", "bytes=0- 9",
                  "bytes=0-9-19", "bytes=0-9;10-19", "bytes=0-9 10-19", "bytes=0-9;q=1",
                  "bytes=0-9,x", "bytes=x,0-9", "bytes=0-9,5-4", "bytes=\"0-9\"", "bytes=*",
                  "bytes=0-*", "bytes=,", "bytes=, ,", "bytes==0-9", "bytes=0-9=", "bytes=0-9\xb9",
                  "bytes=\xb2-9", "bytes=-5-", f"bytes={LENGTH}-5", "bytes=0-9,--1"):
        yield _row(value, "14.2", "200", ["416", "400"])
    for value in ("", "bytes", "bytes 0-9", "bytes:0-9", "0-9", "=0-9", "bytes =0-9"):
        yield _row(value, "14.2", "200", ["416", "400"])
    for value in ("items=0-9", "lines=0-9", "byte=0-9", "bytess=0-9", "seconds=0.5-1.5", "none=0-9",
                  "x-bytes=0-9"):
        yield _row(value, "14.2", "200")


def _unsatisfiable():
    # 15.5.17: a 416 should tell the length.
    for first in (LENGTH, LENGTH + 1, 2**31, 2**32, 2**32 + 1, 2**63, 2**64, 2**64 + 1, 10**30):
        yield _row(f"bytes={first}-", "15.5.17", "416", ["200"])
        yield _row(f"bytes={first}-{first + 9}", "15.5.17", "416", ["200"])
    yield _row("bytes=-0", "14.1.2", "416", ["200"])
    yield _row("bytes=-000", "14.1.2", "416", ["200"])
    yield _row(f"bytes={LENGTH}-,-0", "14.1.2", "416", ["200"])
    yield _row(f"bytes={LENGTH}-,{LENGTH + 1}-", "14.1.2", "416", ["200"])
    for value in ("bytes=0-", "bytes=0-0", "bytes=1-"):  # Nothing begins before the end.
        yield _row(value, "14.1.2", "416", ["200"], "/empty.bin")
    # A suffix that is longer than the whole means the whole, which is nothing here.
    yield _row("bytes=-1", "14.1.2", "200", ["416"], "/empty.bin")
    yield _row("bytes=-0", "14.1.2", "416", ["200"], "/empty.bin")
    yield _row("bytes=1-", "15.5.17", "416", ["200"], "/one.bin")
    yield _row(f"bytes={HUGE_LENGTH}-", "15.5.17", "416", ["200"], "/huge.bin")


def _several_judge(asked, preferred, excessive):
    """15.3.7.2: every range that was asked for and exists is sent, in one part or in several."""

    def judge(exchange):
        found = outcome("/bytes.bin", exchange)
        if found == preferred:
            return PREFERRED, found
        if found == "200" or excessive and found in ("416", NO_LENGTH):
            return ACCEPTABLE, found
        if not found.startswith("206 "):
            return FAILED, found
        parts = [tuple(map(int, part.split("-"))) for part in found.split()[1:]]
        sent = {position for first, last in parts for position in range(first, last + 1)}
        complete = all(sent.issuperset(range(first, last + 1)) for first, last in asked)
        repeats = sum(last - first + 1 for first, last in parts) > LENGTH + len(parts)
        return (ACCEPTABLE if complete and not repeats else FAILED), \
            found if len(found) < 60 else f"206 in {len(parts)} parts"

    return judge


def _several():
    """Sets of more than one range: the value, the ranges in it that exist, the parts to be sent."""
    sets = [
        ([(0, 9), (1000, 1009)], None), ([(0, 0), (LAST, LAST)], None),
        ([(9000, 9009), (0, 9)], None), ([(0, 99), (500, 599), (2000, 2099)], None),
        ([(0, 99), (50, 149)], [(0, 149)]), ([(0, 99), (0, 99)], [(0, 99)]),
        ([(0, 99), (100, 199)], [(0, 199)]), ([(50, 149), (0, 99)], [(0, 149)]),
        ([(0, LAST), (5, 6)], [(0, LAST)]),
        ([(0, 9), (5000, 5009), (0, 9)], [(0, 9), (5000, 5009)]),
    ]
    for asked, sent in sets:
        value = "bytes=" + ",".join(f"{first}-{last}" for first, last in asked)
        wanted = "206 " + " ".join(f"{first}-{last}" for first, last in sent or asked)
        yield Row(value, "15.3.7.2", request("/bytes.bin", fields=[f"Range: {value}"]), wanted,
                  _several_judge(asked, wanted, sent is not None))
    for value, asked, wanted in (
            ("bytes=0-9,-10", [(0, 9), (LENGTH - 10, LAST)], f"206 0-9 {LENGTH - 10}-{LAST}"),
            (f"bytes=0-9,{LAST - 4}-", [(0, 9), (LAST - 4, LAST)], f"206 0-9 {LAST - 4}-{LAST}"),
            (f"bytes=0-9,{LENGTH}-", [(0, 9)], "206 0-9"),
            (f"bytes={LENGTH}-,0-9", [(0, 9)], "206 0-9"), ("bytes=-0,0-9", [(0, 9)], "206 0-9"),
            (f"bytes=0-9,{2**64}-,700-709", [(0, 9), (700, 709)], "206 0-9 700-709"),
            ("bytes=0-9 , 700-709", [(0, 9), (700, 709)], "206 0-9 700-709"),
            ("bytes=0-9,,700-709", [(0, 9), (700, 709)], "206 0-9 700-709"),
            ("bytes=0-9\t,\t700-709", [(0, 9), (700, 709)], "206 0-9 700-709")):
        yield Row(value, "14.1.2", request("/bytes.bin", fields=[f"Range: {value}"]), wanted,
                  _several_judge(asked, wanted, False))
    for name, asked in (("300 small ranges", [(i * 30, i * 30) for i in range(300)]),
                        ("600 times the whole", [(0, LAST)] * 600),
                        ("600 overlapping ranges", [(i, LAST) for i in range(600)]),
                        ("600 suffixes", [(LENGTH - i, LAST) for i in range(1, 601)])):
        value = "bytes=" + ",".join(f"{first}-{last}" for first, last in asked)
        yield Row(name, "17.15", request("/bytes.bin", fields=[f"Range: {value}"]), "200",
                  _several_judge(asked, "200", True))


def _around():
    for value in ("bytes=0-9", "bytes=-5", f"bytes={LENGTH}-", "bytes=0-9,700-709"):
        # Range is defined for GET alone.
        yield _row(value, "14.2", "200", method="HEAD")
    yield _row("bytes=0-9", "13.1.5", "200", fields=['If-Range: "no-such-tag"'])
    yield _row("bytes=0-9", "13.1.5", "200", fields=["If-Range: Sun, 06 Nov 1994 08:49:37 GMT"])
    yield _row("bytes=0-9", "13.1.5", "200", fields=["If-Range: nonsense"])
    yield _row(f"bytes={LENGTH}-", "13.1.5", "200", fields=['If-Range: "no-such-tag"'])
    yield _row("bytes=0-9", "14.2", "200", ["400"], fields=["Range: bytes=20-29"])


def rows():
    for part in (_single, _spelling, _invalid, _unsatisfiable, _several, _around):
        yield from part()
