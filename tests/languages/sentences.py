"""The sentences of the library's errors as they stand in its source, with ``{}`` for each value.

``python tests/languages/sentences.py`` prints those that the Chinese tables lack.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product
from pathlib import Path

import xpnet
from xpnet import errors
from xpnet.languages.table import Table

HOME = Path(xpnet.__file__).parent
KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
PARTS = ("who", "must", "got", "remedy")
OPAQUE = {"{}"}
ATTRIBUTES = ("must", "remedy", "REMEDY")
"""The attributes whose values are sentences."""

CODE = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|pip install \S+|(xpnet|mpiexec) .*|lambda .*|def _|ssh")
WORDS = re.compile(r"(?<![\w.=/(\[-])[a-z]{2,} [a-z]{2,}(?![\w.=(\[])")
"""Two words of a sentence, side by side."""


def of_prose(part: str, text: str) -> bool:
    """Whether a template says something in English; a ``who`` of one word, and code, do not."""
    bare = text.replace("{}", "")
    return WORDS.search(bare) is not None if part in ("who", "part") else re.search("[a-z]{2}", bare) is not None


def english_in(text: str) -> str:
    """The words of English that a translation has left."""
    return " ".join(found[0] for found in WORDS.finditer(CODE.sub("", text)))


class Source:
    """The source of the library, in which an expression is followed to the texts that it may have."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self.above: dict[ast.AST, ast.AST] = {}
        self.file: dict[ast.AST, str] = {}
        self.functions = defaultdict(list)
        self.calls = defaultdict(list)
        self.stored = defaultdict(list)  # by the name of an attribute, of a class or of a module
        for name, tree in trees.items():
            for node in ast.walk(tree):
                self.file[node] = name
                self.above.update(dict.fromkeys(ast.iter_child_nodes(node), node))
        for node in list(self.file):
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef):
            self.functions[node.name].append(node)
        elif isinstance(node, ast.Call):
            self.calls[name_of(node.func)].append(node)
            for keyword in node.keywords:
                self.stored[keyword.arg].append(keyword.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target, value in assigned(node):
                if isinstance(target, ast.Attribute) or self.function_of(node) is None:
                    self.stored[name_of(target)].append(value)

    def function_of(self, node: ast.AST | None) -> ast.FunctionDef | None:
        node = self.above.get(node)
        while node is not None and not isinstance(node, ast.FunctionDef):
            node = self.above.get(node)
        return node

    def texts(self, node: ast.expr, seen: tuple[ast.AST, ...] = ()) -> set[str]:
        """The templates of the texts that an expression may be."""
        if node in seen or len(seen) > 12:
            return OPAQUE
        seen = (*seen, node)
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr(values=values):
                return {"".join(v.value if isinstance(v, ast.Constant) else "{}" for v in values)}
            case ast.IfExp(body=body, orelse=orelse):
                return self.texts(body, seen) | self.texts(orelse, seen)
            case ast.BoolOp(values=values):
                return self.any_of(values, seen)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return set(map("".join, product(self.texts(left, seen), self.texts(right, seen))))
            case ast.NamedExpr(value=value):
                return self.texts(value, seen)
            case ast.Name():
                return self.of_name(node, seen)
            case ast.Attribute(attr=name) if name in ATTRIBUTES:
                return self.any_of(self.stored[name], seen)
            case ast.Subscript(value=ast.Name(id=name)):
                tables = [value for value in self.stored[name] if isinstance(value, ast.Dict)]
                return self.any_of([value for table in tables for value in table.values], seen)
            case ast.Call(func=ast.Name(id=name)) if len(self.functions[name]) == 1:
                ends = [n for n in ast.walk(self.functions[name][0]) if isinstance(n, ast.Return) and n.value]
                return self.any_of([end.value for end in ends], seen)
        return OPAQUE

    def any_of(self, nodes: Iterable[ast.expr], seen: tuple[ast.AST, ...]) -> set[str]:
        return set().union(*(self.texts(node, seen) for node in nodes)) or OPAQUE

    def of_name(self, name: ast.Name, seen: tuple[ast.AST, ...]) -> set[str]:
        """The texts of a name: as it is assigned in its function, given to it, or held by a module."""
        function = self.function_of(name)
        while function is not None:
            found = {text for value in given(function, name.id) for text in self.texts(value, seen)}
            ends = [n for n in ast.walk(function) if isinstance(n, ast.AugAssign) and name_of(n.target) == name.id]
            if found:
                return found | {text + end for text in found for node in ends for end in self.texts(node.value, seen)}
            if name.id in [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]:
                return self.of_parameter(function, name.id, seen)
            function = self.function_of(function)
        return self.any_of(self.stored[name.id], seen)

    def of_parameter(self, function: ast.FunctionDef, name: str, seen: tuple[ast.AST, ...]) -> set[str]:
        arguments, owner = function.args, self.above[function]
        called = owner.name if function.name == "__init__" else function.name
        if len(self.functions[called]) > 2:
            return OPAQUE
        names = [argument.arg for argument in arguments.args]
        bound = isinstance(owner, ast.ClassDef) and names[0] in ("self", "cls")
        defaults = dict(zip(reversed(names), reversed(arguments.defaults), strict=False))
        defaults |= dict(zip([argument.arg for argument in arguments.kwonlyargs], arguments.kw_defaults, strict=True))
        values = [defaults.get(name)]
        for call in self.calls[called]:
            place = names.index(name) - bound if name in names else len(call.args)
            plain = not any(isinstance(value, ast.Starred) for value in call.args[: place + 1])
            values += call.args[place : place + 1] if plain else []
            values += [keyword.value for keyword in call.keywords if keyword.arg == name]
        return self.any_of(filter(None, values), seen)

    @cached_property
    def sentences(self) -> dict[str, dict[str, str]]:
        """For each part of an error the templates that need a translation, and where one is raised."""
        found: dict[str, dict[str, str]] = {part: {} for part in (*PARTS, "part")}
        for call in (call for kind in KINDS for call in self.calls[kind] if len(call.args) == len(PARTS)):
            where = f"{self.file[call]}:{call.lineno}"
            for part, argument in zip(PARTS, call.args, strict=True):
                found[part].update((text, where) for text in self.texts(argument) if of_prose(part, text))
                for value in self.values_in(argument):
                    found["part"].update((text, where) for text in self.texts(value) if of_prose("part", text))
        return found

    def values_in(self, argument: ast.expr) -> Iterator[ast.expr]:
        """The values in the f-strings of an argument, or of what is assigned to its name."""
        function = self.function_of(argument)
        named = isinstance(argument, ast.Name) and function is not None
        for text in [argument, *(given(function, argument.id) if named else ())]:
            yield from (node.value for node in ast.walk(text) if isinstance(node, ast.FormattedValue))


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def assigned(node: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Each target of an assignment with its value."""
    for target in node.targets if isinstance(node, ast.Assign) else [node.target] if node.value else []:
        yield from paired(target, node.value)


def paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if not isinstance(target, ast.Tuple):
        yield target, value
    elif isinstance(value, ast.IfExp):
        yield from (*paired(target, value.body), *paired(target, value.orelse))
    elif isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from paired(one, its)
    else:
        yield from ((one, ast.Constant(None)) for one in target.elts)


def given(function: ast.FunctionDef, name: str) -> list[ast.expr]:
    """The values that a function assigns to a name."""
    found = []
    for node in ast.walk(function):
        pairs: Iterable[tuple[ast.expr, ast.expr]] = ()
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            pairs = assigned(node)
        elif isinstance(node, ast.For | ast.comprehension):
            rows = node.iter.elts if isinstance(node.iter, ast.Tuple | ast.List) else [ast.Constant(None)]
            pairs = [pair for row in rows for pair in paired(node.target, row)]
        found += [value for target, value in pairs if isinstance(target, ast.Name) and target.id == name]
    return found


def of_library() -> Source:
    return Source(
        {path.relative_to(HOME).as_posix(): ast.parse(path.read_text("utf-8")) for path in HOME.rglob("*.py")}
    )


def untranslated(source: Source) -> list[str]:
    """A line for each sentence without a translation: its table, the sentence, and where it is raised."""
    tables = {part: Table.read("zh", part) for part in (*PARTS, "part")}
    lines = []
    for part, templates in source.sentences.items():
        for text, where in templates.items():
            places = tables.values() if part == "part" else [tables[part]]
            turned = next(filter(None, (table.find(text) for table in places)), None)
            if turned is None or english_in(turned):
                lines.append(f"{part}: {text!r} ({where})" + (f" -> {turned!r}" if turned else ""))
    return sorted(lines)


if __name__ == "__main__":
    print("\n".join(untranslated(of_library())))  # noqa: T201
