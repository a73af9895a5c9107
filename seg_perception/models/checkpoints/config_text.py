"""Reads the settings that OpenMMLab's checkpoints carry as Python text, without running it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

_MAX_CHARACTERS = 1 << 20


def parse_config(text: str) -> Mapping[str, Any]:
    """Return the values that a configuration assigns: `model = dict(depth=50)` is a nested dict.

    Numbers, strings, lists, tuples, dicts and calls of `dict` are understood; anything else
    becomes None.

    :raises ValueError: when the text is no Python or longer than 1 MiB.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f'expected at most {_MAX_CHARACTERS} characters, got {len(text)}')
    try:
        tree = ast.parse(text)
        return {
            target.id: _value(statement.value)
            for statement in tree.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f'expected assignments in Python: {error}') from error


def lookup(config: Mapping[str, Any], *keys: str) -> Any:
    """Return what is at a path of keys, None where there is nothing."""
    found: Any = config
    for key in keys:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Dict(keys=keys, values=values):
            return {
                key.value: _value(value)
                for key, value in zip(keys, values, strict=True)
                if isinstance(key, ast.Constant)
            }
        case ast.Call(func=ast.Name(id='dict'), keywords=keywords):
            return {word.arg: _value(word.value) for word in keywords if word.arg}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    return None
