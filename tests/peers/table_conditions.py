"""Conditional requests for a file: RFC 9110 section 13.

{TAG} stands for the entity tag that the server gives the file, {OPAQUE} for it without W/, {DATE}
for its Last-Modified, {EARLIER} and {LATER} for one second before and after it.
"""

from rows import Row, by_outcome, request
from table_ranges import LAST, outcome

TITLE = "Conditions"
TARGET = "/bytes.bin"
LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"


def _outcome(exchange):
    """The outcome of table_ranges, and for 304 what 15.4.5 asks of it."""
    found = outcome(TARGET, exchange)
    if found == "304":
        answer, = exchange.answers
        if not answer.field("etag"):
            return "304 without ETag"
        if not answer.field("date"):
            return "304 without Date"
    return found


def _row(section, preferred, *fields, method="GET", acceptable=()):
    name = "; ".join(fields) + (f", {method}" if method != "GET" else "")
    return Row(name, section, request(TARGET, method=method, fields=fields), preferred,
               by_outcome(_outcome, preferred, acceptable), (method,))


def _if_none_match():
    for method in ("GET", "HEAD"):
        for value in ("{TAG}", "*", "W/{OPAQUE}", '"x", {TAG}', '{TAG}, "x"', '"x", "y", {TAG}',
                      '"x",{TAG}', '"x" ,\t{TAG}', ', "x", , {TAG},', 'W/"x", W/{OPAQUE}',
                      '"a,b", {TAG}', '"", {TAG}', '"\xe9", {TAG}'):
            yield _row("13.1.2", "304", f"If-None-Match: {value}", method=method)
        for value in ('"x"', 'W/"x"', '"x", "y"', '""', '"*"', '"a,b"'):
            yield _row("13.1.2", "200", f"If-None-Match: {value}", method=method)
    # Two lines of one list.
    yield _row("5.3", "304", 'If-None-Match: "x"', "If-None-Match: {TAG}")
    # No list of entity tags: it names no version that the client holds.
    for value in ("x", "\"x", "w/{OPAQUE}", "W{OPAQUE}", "W/x", "'x'"):
        yield _row("8.8.3", "200", f"If-None-Match: {value}", acceptable=["400"])


def _if_modified_since():
    for method in ("GET", "HEAD"):
        yield _row("13.1.3", "304", "If-Modified-Since: {DATE}", method=method)
        yield _row("13.1.3", "304", "If-Modified-Since: {LATER}", method=method,
                   acceptable=["200"])
        yield _row("13.1.3", "200", "If-Modified-Since: {EARLIER}", method=method)
        yield _row("13.1.3", "200", f"If-Modified-Since: {LONG_AGO}", method=method)
    # A recipient takes all three forms of a date (5.6.7).
    yield _row("5.6.7", "304", "If-Modified-Since: {RFC850}", acceptable=["200"])
    yield _row("5.6.7", "304", "If-Modified-Since: {ASCTIME}", acceptable=["200"])
    # No date: ignored (13.1.3).
    for value in ("", "nonsense", "0", "2030-01-01", "Sun, 06 Nov 2094", "{DATE} x", "x {DATE}",
                  "Sun, 31 Feb 2094 08:49:37 GMT", "Sun, 06 Nov 2094 25:00:00 GMT",
                  "Sun, 06 Nov 2094 08:49:37 CET", "Sun, 06 Nov 2094 08:49:37 +0000",
                  "sun, 06 nov 2094 08:49:37 gmt", "4070908800"):
        yield _row("13.1.3", "200", f"If-Modified-Since: {value}",
                   acceptable=["304"] if value[:3] == "sun" else ["400"])


def _if_match():
    for method in ("GET", "HEAD"):
        for value in ("{TAG}", "*", '"x", {TAG}', '{TAG}, "x"', '"a,b", {TAG}'):
            yield _row("13.1.1", "200", f"If-Match: {value}", method=method)
        for value in ('"x"', '"x", "y"', '"*"', 'W/"x"'):
            yield _row("13.1.1", "412", f"If-Match: {value}", method=method)
    yield _row("13.1.1", "412", "If-Match: W/{OPAQUE}")  # Strong comparison.
    yield _row("5.3", "200", 'If-Match: "x"', "If-Match: {TAG}")


def _if_unmodified_since():
    for method in ("GET", "HEAD"):
        yield _row("13.1.4", "200", "If-Unmodified-Since: {DATE}", method=method)
        yield _row("13.1.4", "200", "If-Unmodified-Since: {LATER}", method=method)
        yield _row("13.1.4", "412", "If-Unmodified-Since: {EARLIER}", method=method)
        yield _row("13.1.4", "412", f"If-Unmodified-Since: {LONG_AGO}", method=method)
    for value in ("nonsense", "", "Sun, 31 Feb 1994 08:49:37 GMT"):
        yield _row("13.1.4", "200", f"If-Unmodified-Since: {value}", acceptable=["400"])


def _precedence():
    """The order of section 13.2.2."""
    yield _row("13.2.2", "200", "If-Match: {TAG}", "If-Unmodified-Since: {EARLIER}")
    yield _row("13.2.2", "412", 'If-Match: "x"', "If-Unmodified-Since: {LATER}")
    yield _row("13.2.2", "304", "If-None-Match: {TAG}", "If-Modified-Since: {EARLIER}")
    yield _row("13.2.2", "200", 'If-None-Match: "x"', "If-Modified-Since: {LATER}")
    yield _row("13.2.2", "200", 'If-None-Match: "x"', "If-Modified-Since: {DATE}")
    yield _row("13.2.2", "304", "If-Match: {TAG}", "If-None-Match: {TAG}")
    yield _row("13.2.2", "412", 'If-Match: "x"', "If-None-Match: {TAG}")
    yield _row("13.2.2", "412", 'If-Match: "x"', "If-Modified-Since: {DATE}")
    yield _row("13.2.2", "412", "If-Unmodified-Since: {EARLIER}", "If-None-Match: {TAG}")
    yield _row("13.2.2", "304", "If-Unmodified-Since: {DATE}", "If-None-Match: {TAG}")
    yield _row("13.2.2", "304", "If-Unmodified-Since: {DATE}", "If-Modified-Since: {DATE}")


def _ranges():
    part = "206 0-9"
    yield _row("13.1.5", part, "Range: bytes=0-9", "If-Range: {TAG}", acceptable=["200"])
    yield _row("13.1.5", part, "Range: bytes=0-9", "If-Range: {DATE}", acceptable=["200"])
    yield _row("13.1.5", "200", "Range: bytes=0-9", "If-Range: W/{OPAQUE}")
    yield _row("13.1.5", "200", "Range: bytes=0-9", "If-Range: {EARLIER}")
    yield _row("13.1.5", "200", "Range: bytes=0-9", "If-Range: {LATER}")
    yield _row("13.1.5", "200", "Range: bytes=0-9", 'If-Range: {TAG}, "x"', acceptable=["400"])
    yield _row("13.1.5", "200", "If-Range: {TAG}")
    yield _row("13.1.5", "200", "Range: bytes=-5", 'If-Range: "x"')
    yield _row("13.1.5", f"206 {LAST - 4}-{LAST}", "Range: bytes=-5", "If-Range: {TAG}",
               acceptable=["200"])
    yield _row("13.2.2", "304", "Range: bytes=0-9", "If-None-Match: {TAG}")
    yield _row("13.2.2", part, "Range: bytes=0-9", 'If-None-Match: "x"', acceptable=["200"])
    yield _row("13.2.2", "412", "Range: bytes=0-9", 'If-Match: "x"')
    yield _row("13.2.2", part, "Range: bytes=0-9", "If-Match: {TAG}", acceptable=["200"])
    yield _row("13.2.2", "304", "Range: bytes=99999-", "If-None-Match: {TAG}")
    yield _row("13.2.2", "304", "Range: bytes=0-9", "If-Modified-Since: {DATE}")


def rows():
    for part in (_if_none_match, _if_modified_since, _if_match, _if_unmodified_since, _precedence,
                 _ranges):
        yield from part()
