"""What our source uses of another package's API, read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Use(NamedTuple):
    """One attribute that is used, e.g. `IBuilderConfig.set_flag`, and how it is called."""

    name: str
    arguments: int | None
    """Number of positional arguments; None where it is not called, -1 for any (a starred one)."""
    keywords: tuple[str, ...]
    where: str


def uses_of(file: Path, root: str, classes: Mapping[str, str]) -> Iterator[Use]:
    """Yield the uses in a source file.

    :param root: the variable that is the package; `root.A.B` and `x.root.A.B` yield `A.B`.
    :param classes: variables and the package's class that they are of; with `{'config': 'C'}`,
        `config.f` and `self._config.f` yield `C.f`.
    """
    tree = ast.parse(file.read_text())
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner: set[int] = set()
    for node in ast.walk(tree):  # outermost first
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        parts = _parts(node)
        name = _named(parts, root, classes)
        if name is None:
            continue
        inner.update(id(part) for part in ast.walk(node) if part is not node)
        call = calls.get(id(node))
        yield Use(
            name,
            None if call is None else _count(call),
            () if call is None else tuple(word.arg for word in call.keywords if word.arg),
            f'{file.name}:{node.lineno}',
        )


def _named(parts: list[str], root: str, classes: Mapping[str, str]) -> str | None:
    if root in parts[:-1]:
        return '.'.join(parts[parts.index(root) + 1 :])
    owner = [part for part in parts[:-1] if part != 'self']
    if len(owner) == 1 and owner[0].strip('_') in classes:
        return f'{classes[owner[0].strip("_")]}.{parts[-1]}'
    return None


def _parts(node: ast.expr) -> list[str]:
    """Return `['a', 'b', 'c']` of `a.b.c`, and `['', 'c']` of `f().c`."""
    if isinstance(node, ast.Attribute):
        return [*_parts(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else ['']


def _count(call: ast.Call) -> int:
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return -1
    return len(call.args)
