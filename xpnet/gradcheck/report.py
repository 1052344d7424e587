"""The report of a gradient check, as a table, as text and as a dict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from xpnet.errors import GradientError
from xpnet.languages import in_chinese, say
from xpnet.typesetting import aligned, as_html, width_of

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

COLUMNS = ("name", "shape", "count", "mean diff", "max diff", "mean rel", "max rel", "worst at", "status")
MOST = ("name", "max rel", "worst at", "status")


def _say(text: str) -> str:
    return say(text, "report")


@dataclass(frozen=True)
class Row:
    """The check of one parameter or input.

    ``mean_diff`` and ``max_diff`` are absolute, ``mean_rel`` and ``max_rel`` relative to the larger of the two
    derivatives, or to the root mean square of the gradient where that is larger still. ``where`` is the element with
    the largest difference (a direction's number in the mode ``directions``), ``analytic`` and ``numeric`` its two
    derivatives. ``status`` is ``ok``, ``kink`` or ``fail``.

    >>> class Wrong(Relu):
    ...     def backward(self, dout):
    ...         return 2 * super().backward(dout)
    >>> row = xn.gradient_check(Wrong(), np.array([1.0, -2.0])).rows[0]
    >>> row.status, row.where, round(row.analytic / row.numeric, 4)
    ('fail', (0,), 2.0)
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    mean_diff: float
    max_diff: float
    mean_rel: float
    max_rel: float
    where: tuple[int, ...]
    analytic: float
    numeric: float
    status: str
    kinks: int = 0
    causes: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        shape = "x".join(map(str, self.shape)) or "scalar"
        numbers = (f"{value:.1e}" for value in (self.mean_diff, self.max_diff, self.mean_rel, self.max_rel))
        where = ", ".join(map(str, self.where)) or "-"
        status = f"{self.kinks} kink" + "s" * (self.kinks > 1) if self.status == "kink" else self.status
        return (self.name, shape, f"{self.checked:,}", *numbers, where, _say(status))


@dataclass(frozen=True)
class Report:
    """The result of ``gradient_check``: a row per parameter and input.

    ``print(report)`` is plain text, rich shows a table, ``to_dict()`` is made of builtins.

    >>> x, t = np.eye(2, dtype="float32"), np.array([0, 1])
    >>> report = xn.gradient_check(Sequential(Affine.create(2, 2), loss=SoftmaxWithLoss()), x, t)
    >>> report.ok, [row.name for row in report.rows], report.title
    (True, ['Affine1.W', 'Affine1.b'], 'gradient check of Sequential (every, float64, tolerance 1e-06)')
    """

    subject: str
    mode: str
    dtype: str
    step: float
    tolerance: float
    rows: tuple[Row, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        """True if no row failed; a kink is not a failure."""
        return all(row.status != "fail" for row in self.rows)

    @property
    def title(self) -> str:
        return _say(f"gradient check of {self.subject} ({self.mode}, {self.dtype}, tolerance {self.tolerance:g})")

    @property
    def notes(self) -> list[str]:
        """A line for each failed row with its likely causes."""
        notes = []
        for row in self.rows:
            if row.status == "fail":
                numbers = f"{row.name}: backward gave {row.analytic:.6g}, numerical differentiation {row.numeric:.6g}"
                apart = "；" if in_chinese() else "; "
                notes.append(apart.join(map(_say, [numbers, *(row.causes or ["no known pattern"])])))
        return notes

    def raise_if_failed(self) -> None:
        """Raise GradientError with the failed rows and their likely causes."""
        if not self.ok:
            failed = ", ".join(row.name for row in self.rows if row.status == "fail")
            must = f"backward must agree with numerical differentiation ({failed})"
            raise GradientError(self.subject, must, "; ".join(self.notes), "correct its backward")

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}

    def __str__(self) -> str:
        return "\n".join([self.title, *aligned(self._table()), *self.notes])

    def _repr_html_(self) -> str:
        return as_html(self.title, self._table(), self.notes)

    def _table(self) -> list[tuple[str, ...]]:
        return [tuple(map(_say, COLUMNS)), *(row.cells() for row in self.rows)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield a table, with only the important columns on a narrow terminal; texts are never read as markup."""
        from rich.table import Table
        from rich.text import Text

        rows = [row.cells() for row in self.rows]
        full = sum(max(map(width_of, column)) + 2 for column in zip(*self._table(), strict=True))
        shown = range(len(COLUMNS)) if full <= options.max_width else [COLUMNS.index(name) for name in MOST]
        notes = Text("\n".join(self.notes)) if self.notes else None
        table = Table(title=Text(self.title), caption=notes, box=None, padding=(0, 2, 0, 0), pad_edge=False)
        table.title_justify = table.caption_justify = "left"
        for index in shown:
            left = COLUMNS[index] in ("name", "worst at", "status")
            table.add_column(_say(COLUMNS[index]), justify="left" if left else "right", no_wrap=True)
        colours = {"ok": "green", "kink": "yellow", "fail": "bold red"}
        for row, cells in zip(self.rows, rows, strict=True):
            texts = [Text(cell, "" if i + 1 < len(cells) else colours[row.status]) for i, cell in enumerate(cells)]
            table.add_row(*[texts[index] for index in shown])
        yield table
