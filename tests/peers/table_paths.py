"""Paths: nothing outside the root is served, and what is inside is found by its name.

RFC 3986 sections 2.1 (percent-encoding), 5.2.4 (dot segments) and 6.2.2 (normalisation), and RFC
9110 sections 17.3 (attacks based on file names) and 10.2.2 (Location).
"""

import itertools
import os
import urllib.parse

from rows import ACCEPTABLE, FAILED, PREFERRED, Row, request
from tree import CANARY, INSIDE, ODD_NAMES, content_of

TITLE = "Paths"

DOTS = ["..", "%2e%2e", ".%2E", "%2e.", "%252e%252e", "%c0%ae%c0%ae", "..%00", "..;", "....",
        "%e0%80%ae%e0%80%ae", "..%20", "%uff0e%uff0e"]
SLASHES = ["/", "%2f", "//", "\\", "%5c", "%252f", "%c0%af", "/./"]
STARTS = ["/", "/sub/", "//", "/nowhere/", "/inside.txt/", "/%2f"]
ENDS = ["canary.txt", "root-sibling/canary.txt", "../outside/canary.txt"]
_MOST_SPELLINGS = 420


def _leaks(exchange):
    return any(CANARY in answer.body or b"root:x:0:0" in answer.body for answer in exchange.answers)


def _location_problem(answer):
    """10.2.2: where a redirect leads must be this host, whatever the path looks like."""
    location = answer.field("location") or ""
    parts = urllib.parse.urlsplit(location)
    if location.startswith(("//", "/\\", "\\")) or parts.scheme not in ("", "http"):
        return f"a redirect to {location}"
    if parts.netloc and parts.hostname not in ("test", "127.0.0.1"):
        return f"a redirect to {location}"
    return None


def _judge_confinement(exchange):
    """An error of the client's is right, and so is a path that stayed inside."""
    if _leaks(exchange):
        return FAILED, "the canary"
    if len(exchange.answers) != 1 or exchange.rest:
        return FAILED, exchange.shown()
    answer, = exchange.answers
    if problem := _location_problem(answer):
        return FAILED, problem
    if answer.status in (400, 403, 404):
        return PREFERRED, exchange.shown()
    if answer.status in (200, 301, 302, 307, 308, 414):
        return ACCEPTABLE, exchange.shown()
    return FAILED, exchange.shown()


def _judge_harmlessness(exchange):
    """Whatever stays inside, and leads to no other host, is right."""
    verdict, shown = _judge_confinement(exchange)
    return (verdict if verdict == FAILED else PREFERRED), shown


def _confined(name, target, section="RFC 9110 17.3", version="HTTP/1.1"):
    return Row(name, section, request(target, version=version), "400, 403 or 404",
               _judge_confinement)


def _spellings():
    """Ways up in every spelling that some server has fallen for, evenly taken from all of them."""
    every = list(itertools.product(STARTS, DOTS, SLASHES, (1, 2, 3), ENDS))
    step = len(every) // _MOST_SPELLINGS
    for start, dot, slash, depth, end in every[::step]:
        target = start + (dot + slash) * depth + end
        yield _confined(target, target)


def _other_ways_out():
    for target in ("/..", "/../", "/../canary.txt", "/../../../../../../etc/passwd",
                   "/sub/../../canary.txt", "/sub/../../root-sibling/canary.txt",
                   "/sub/deeper/../../../canary.txt", "/-sibling/canary.txt",
                   "/etc/passwd", "//etc/passwd", "/proc/self/environ",
                   "/proc/self/root/etc/passwd",
                   "/" + "../" * 60 + "etc/passwd", "/" + "%2e%2e/" * 60 + "etc/passwd",
                   "/" + "..%2f" * 60 + "etc/passwd", "/sub/.././../canary.txt",
                   "/./.././canary.txt", "/sub//..//..//canary.txt", "/..%3b/canary.txt",
                   "/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/inside.txt/../../canary.txt",
                   "/inside.txt%00/../canary.txt", "/..%0d%0a/canary.txt", "/.%00./canary.txt",
                   "/%3f/../../canary.txt",
                   "/link-out.txt", "/link-out/canary.txt", "/link-out/", "/sub/../link-out.txt"):
        name = target if len(target) < 70 else f"{target[:50]}... ({len(target)} bytes)"
        yield _confined(name, target)
    for target in ("/?/../canary.txt", "/sub?/../../canary.txt"):  # A query has no components.
        yield Row(target, "RFC 3986 3.4", request(target), "nothing from outside",
                  _judge_harmlessness)
    for target in ("http://test/../canary.txt", "http://test/%2e%2e/canary.txt",
                   "http://test//../canary.txt"):
        yield _confined(target, target, "RFC 9112 3.2.2")
    for target in ("../canary.txt", "file:///etc/passwd", "canary.txt", "..", "\\..\\canary.txt",
                   "*/../canary.txt"):
        yield _confined(target, target, "RFC 9112 3.2")
    yield _confined("/../canary.txt, HTTP/1.0", "/../canary.txt", version="HTTP/1.0")


def _exactly(status, body=None):
    """A judge that knows the one right answer, but lets a redirect lead to it."""

    def judge(exchange):
        if len(exchange.answers) != 1 or exchange.rest or _leaks(exchange):
            return FAILED, exchange.shown()
        answer, = exchange.answers
        if answer.status == status and (body is None or answer.body == body):
            return PREFERRED, exchange.shown()
        if answer.status == status:
            return FAILED, f"{status} with another body"
        if answer.status in (301, 302, 307, 308) and status == 200:
            problem = _location_problem(answer)
            return (FAILED, problem) if problem else (ACCEPTABLE, exchange.shown())
        return FAILED, exchange.shown()

    return judge


def _found(name, target, body=INSIDE, section="RFC 3986 6.2.2"):
    return Row(name, section, request(target), "200", _exactly(200, body))


def _names():
    for name in ODD_NAMES:
        encoded = urllib.parse.quote(os.fsencode(name), safe="")
        whole = "".join(f"%{byte:02x}" for byte in os.fsencode(name))
        for target in dict.fromkeys(("/" + encoded, "/" + whole)):
            yield _found(f"{target} ({name})", target, content_of(name), "RFC 3986 2.1")


def _normal_forms():
    for target in ("/inside.txt", "/./inside.txt", "/sub/../inside.txt", "/sub/./inside.txt",
                   "/sub/deeper/../inside.txt", "/sub/deeper/../../inside.txt", "/%69nside.txt",
                   "/inside%2Etxt", "/inside%2etxt", "/%73ub/inside.txt", "/sub/%2e/inside.txt",
                   "/sub/%2e%2e/inside.txt", "/nowhere/../inside.txt", "/inside.txt?",
                   "/inside.txt?a=b", "/inside.txt?../../x", "/inside.txt?a?b", "/inside.txt?%zz"):
        yield _found(target, target)
    for target in ("http://test/inside.txt", "http://test:80/inside.txt", "HTTP://test/inside.txt"):
        yield _found(target, target, section="RFC 9112 3.2.2")


def _not_found():
    for target in ("/nowhere", "/INSIDE.TXT", "/inside.tx", "/inside.txt.", "/sub/nowhere",
                   "/inside%252etxt", "/percent%2520x.txt", "/%252e%252e/canary.txt",
                   "/sub/inside.txt%20", "/plus%20.txt", "/" + "n" * 256, "/" + "n/" * 400):
        name = target if len(target) < 70 else f"{target[:40]}... ({len(target)} bytes)"
        yield Row(name, "RFC 9110 15.5.5", request(target), "404", _exactly(404))
    for target in ("/inside.txt/", "/inside.txt/x"):  # A file is no directory.
        yield Row(target, "RFC 9110 15.5.5", request(target), "404", _exactly(404))
    for target in ("/%", "/%2", "/%zz", "/%2g", "/a%", "/%%32%65", "/%u0041"):
        yield Row(target, "RFC 3986 2.1", request(target), "400", _judge_confinement)


def _judge_redirect(exchange):
    if len(exchange.answers) != 1 or exchange.rest:
        return FAILED, exchange.shown()
    answer, = exchange.answers
    if problem := _location_problem(answer):
        return FAILED, problem
    if answer.status in (301, 308) and (answer.field("location") or "").endswith("/dir/"):
        return PREFERRED, exchange.shown()
    return (ACCEPTABLE if answer.status in (200, 302, 307, 400, 403, 404) else FAILED), \
        exchange.shown()


def _redirects():
    for target in ("/dir", "//dir", "///dir", "/./dir", "/sub/../dir", "/%64ir"):
        yield Row(target, "RFC 9110 10.2.2", request(target), "301 to /dir/", _judge_redirect)
    for target in ("//evil.example/%2e%2e", "//evil.example/..", "//evil.example/%2e%2e/dir",
                   "//evil.example/../dir", "/\\evil.example/%2e%2e/dir",
                   "/%5cevil.example/../dir", "/%0d%0aLocation:%20x/../dir",
                   "/%2f%2fevil.example/..%2fdir", "///evil.example//..//dir",
                   "/.//evil.example/../dir"):
        yield Row(target, "RFC 9110 17.3", request(target), "no redirect to elsewhere",
                  _judge_harmlessness)


def rows():
    for part in (_spellings, _other_ways_out, _names, _normal_forms, _not_found, _redirects):
        yield from part()
