"""The errors of xpnet, which say who, what must hold, what came instead, and what to do."""

from __future__ import annotations

from xpnet.languages import tell


class XpnetError(Exception):
    """An error of xpnet, ``who: must, got …; remedy``.

    Every kind is also the builtin exception that a caller would catch. The message of an OSError is shown without its
    number and path: ``No such file or directory``.
    """

    def __init__(self, who: str, must: str, got: object, remedy: str) -> None:
        if isinstance(got, OSError) and got.strerror:
            got = got.strerror
        self.who = who
        self.must = must
        self.got = got
        self.remedy = remedy
        super().__init__(f"{who}: {must}, got {got}; {remedy}")

    def set_who(self, who: str) -> None:
        """Replace the ``who`` of the error by a more exact one."""
        self.who = who
        self.args = (f"{who}: {self.must}, got {self.got}; {self.remedy}",)

    def __str__(self) -> str:
        return tell(str(self.args[0]), self.who, self.must, self.got, self.remedy)

    def __reduce__(self) -> tuple[type[XpnetError], tuple[str, str, object, str]]:
        return type(self), (self.who, self.must, self.got, self.remedy)


class ArgumentError(XpnetError, ValueError):
    """A value that is not allowed."""


class ShapeError(ArgumentError):
    """An array of the wrong shape."""


class DtypeError(XpnetError, TypeError):
    """An array or value of the wrong type."""


class LibraryError(XpnetError, TypeError):
    """Arrays of two libraries, or of one library's two devices, in one operation."""


class BackendError(XpnetError, RuntimeError):
    """A backend or device that this machine cannot provide."""


class StateError(XpnetError, RuntimeError):
    """A call out of order, such as ``backward`` before ``forward``."""


class DerivativeError(XpnetError, NotImplementedError):
    """A derivative for which there is no rule."""


class RuleMissingError(XpnetError, AttributeError):
    """A function for which there is no rule."""


class NameUnknownError(XpnetError, KeyError):
    """A name under which nothing is found."""


class MemberError(XpnetError, AttributeError):
    """An attribute that an object does not have."""


class DataError(XpnetError, OSError):
    """A file or directory that cannot be read, written or trusted."""


class GradientError(XpnetError, AssertionError):
    """A gradient that numerical differentiation contradicts."""


class DivergenceError(XpnetError, ArithmeticError):
    """A training whose loss is no longer a finite number."""
