"""Which modules a source file imports, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Import(NamedTuple):
    """One imported name, e.g. `seg_perception.core.labels`, and the line it is imported in."""

    name: str
    line: int


def imports_of(source: str, module: str) -> Iterator[Import]:
    """Yield every import of a source text, also those inside functions and by `import_module`.

    `from a import b` yields `a.b`: whether `b` is a module cannot be seen.

    :param module: the dotted name of the module, to resolve relative imports.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            parts = module.split('.')[: -node.level] if node.level else []
            base = '.'.join([*parts, *(node.module or '').split('.')]).strip('.')
            for alias in node.names:
                yield Import(f'{base}.{alias.name}', node.lineno)
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func).rpartition('.')[2]
            if function in ('import_module', '__import__') and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield Import(first.value, node.lineno)


def module_name(file: Path, root: Path) -> str:
    """Return the dotted name of a source file below `root`."""
    parts = file.relative_to(root).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)
