"""Parameters of the small nodes, as tables; a wrong one ends the node with one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node

from seg_perception.ros.parameters import ParameterError, Rule, Value


def declare(node: Node, parameters: Mapping[Rule, Value]) -> dict[str, Any]:
    """Declare parameters, given with their defaults, and return their values by name.

    :raises ParameterError: when one was set to a value of the wrong type or out of its range.
    """
    values = {}
    for rule, default in parameters.items():
        descriptor = rule.descriptor()
        if not rule.run_time:
            descriptor.additional_constraints = f'{rule.expected}. Cannot change at run time.'
        try:
            value = node.declare_parameter(rule.name, default, descriptor).value
        except InvalidParameterValueException as error:
            raise ParameterError(
                f'parameter {rule.name} must be {rule.expected}: {error}'
            ) from error
        values[rule.name] = rule.check(value)
    return values


def usage(tool: str, summary: str, parameters: Mapping[Rule, Value]) -> str:
    """Return the text for `--help`."""
    lines = [
        f'usage: python3 -m seg_perception {tool} [--ros-args -p NAME:=VALUE … -r FROM:=TO …]',
        '',
        summary,
        '',
        'parameters:',
    ]
    for rule, default in parameters.items():
        lines.append(f'  {rule.name} ({rule.expected}; default {default!r})')
        lines.append(f'      {rule.description}')
    return '\n'.join(lines)
