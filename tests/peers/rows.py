"""What a table is made of.

A row is one request, with the section of the RFC that says what may be answered to it. Its judge
looks at what came back and returns a verdict and the answer in a few words.
"""

from typing import Callable, NamedTuple

PREFERRED = "preferred"  # what a server ought to do
ACCEPTABLE = "acceptable"  # something else that the RFC allows
FAILED = "failed"


class Row(NamedTuple):
    """One request. `data` may hold {ETAG} and the like, which the runner fills in per server."""

    name: str
    section: str
    data: bytes
    wanted: str  # the preferred answer, in words
    judge: Callable
    methods: tuple = ("GET",)


def request(target, *, method="GET", version="HTTP/1.1", fields=(), body=b"", close=True):
    """The bytes of a request; text is sent as latin-1."""
    lines = [f"{method} {target} {version}", "Host: test", *fields]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def by_outcome(outcome_of, preferred, acceptable):
    """A judge for answers that have a name: `outcome_of` makes the name of an exchange."""

    def judge(exchange):
        outcome = outcome_of(exchange)
        if outcome == preferred:
            return PREFERRED, outcome
        return (ACCEPTABLE if outcome in acceptable else FAILED), outcome

    return judge
