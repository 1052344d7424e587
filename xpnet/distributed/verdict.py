"""The verdict of the hub: which rank has failed, and why, concluded from their signs of life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xpnet.distributed.lines import Identity


@dataclass
class Member:
    """A rank, as of its last sign of life; times are those of the hub's clock."""

    who: Identity
    heard: float
    begun: int = 0
    """The number of calls of the communicator that the rank has begun."""
    ended: int = 0
    call: str = ""
    """The oldest call that has not ended."""
    since: float = 0.0
    """The time at which that call began."""
    left: bool = False
    failure: str = ""
    failed: float = 0.0
    """The time at which the rank reported its failure."""
    gone: bool = False
    """True if the connection of the rank is broken."""

    @property
    def waits(self) -> bool:
        return self.begun > self.ended


@dataclass(frozen=True)
class Verdict:
    """The rank that ends the job, and the reason.

    ``everywhere``: all ranks failed for the same reason. ``silent``: the rank may be stopped, unable to end itself.
    """

    culprit: Identity
    reason: str
    everywhere: bool = False
    silent: bool = False

    def __str__(self) -> str:
        if self.everywhere:
            return f"error: {self.reason}"
        return f"error: rank {self.culprit.rank} on {self.culprit.host}: {self.reason}"


def verdict(members: Sequence[Member], now: float, timeout: float, grace: float) -> Verdict | None:
    """Return the rank that ends the job with the reason, or None if all is well.

    A failure that a rank has reported takes precedence over the silence of others, and waits ``grace`` seconds for
    other ranks to report the same.
    """
    failed = [member for member in members if member.failure]
    if failed:
        first = min(failed, key=lambda member: member.failed)
        same = all(member.failure == first.failure for member in members)
        if same or now - first.failed >= grace:
            return Verdict(first.who, first.failure, everywhere=same and len(members) > 1)
        return None
    for member in members:
        if member.gone and not member.left:
            return Verdict(member.who, "it has ended without a word, killed or by a crash; its job ends")
    for member in members:
        if not member.left and now - member.heard > timeout:
            reason = f"no sign of life for {timeout:g} s: it is stopped, or its machine is; its job ends"
            return Verdict(member.who, reason, silent=True)
    return _waited_for(members, now, timeout)


def _waited_for(members: Sequence[Member], now: float, timeout: float) -> Verdict | None:
    for waiting in (member for member in members if member.waits):
        number = waiting.ended + 1
        for other in members:
            if other.begun >= number:
                if other.waits and other.ended == waiting.ended and other.call != waiting.call:
                    reason = f"its call {number} is {other.call}, and that of rank {waiting.who.rank} is {waiting.call}"
                    return Verdict(other.who, f"{reason}; all ranks must make the same calls in the same order")
            elif other.left:
                reason = f"it has left after {other.begun} calls, while rank {waiting.who.rank} waits in {waiting.call}"
                return Verdict(other.who, f"{reason}; all ranks must take the same number of steps")
            elif now - waiting.since > timeout:
                reason = f"rank {waiting.who.rank} has waited for it in {waiting.call} for {timeout:g} s"
                return Verdict(other.who, f"{reason}; raise the timeout if it needs longer for other work")
    return None
