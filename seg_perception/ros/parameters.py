"""What a parameter may be: type, range and meaning, for checks, ROS tools and messages."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

Value: TypeAlias = bool | float | str | list[int] | list[float] | list[str]

_WORDS = {
    str: 'a text',
    bool: 'true or false',
    int: 'a whole number',
    float: 'a number',
    list[int]: 'whole numbers',
    list[float]: 'numbers',
    list[str]: 'texts',
}


class ParameterError(ValueError):
    """A parameter has a value of the wrong type or out of its range."""


@dataclass(frozen=True)
class Rule:
    """What a parameter means and which values it may have.

    :ivar kind: bool, int, float, str, list[int], list[float] or list[str].
    :ivar low, high: the range of a number, or of each of several.
    :ivar count: how many numbers or texts there are; None: any number of them.
    :ivar pattern: a regular expression for a text, or each of several, that is none of `choices`;
        `form` has it in words.
    :ivar per_camera: whether each camera may have its own, `<camera>.<name>`.
    """

    name: str
    kind: Any
    description: str
    run_time: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    count: int | None = None
    pattern: str = ''
    form: str = ''
    per_camera: bool = False

    @property
    def expected(self) -> str:
        """The values the parameter may have, in words."""
        if self.choices:
            form = f', or {self.form}' if self.form else ''
            return 'one of ' + ', '.join(self.choices) + form
        if self.form:
            return self.form
        limits = '' if self.low is None else f' from {self.low:g} to {self.high:g}'
        count = '' if self.count is None else f'{self.count} '
        return count + _WORDS[self.kind] + limits

    @property
    def when(self) -> str:
        """When a new value takes effect, in words."""
        if self.run_time:
            return 'Can change at run time.'
        return 'Can change while the node is unconfigured.'

    def check(self, value: object) -> Value:
        """Return the value in the parameter's own type.

        :raises ParameterError: when the type is wrong or the value out of range.
        """
        if self.kind is float and type(value) is int:
            value = float(value)
        elif isinstance(value, (array, tuple)):  # as rclpy has numbers
            value = list(value)
        if self.kind == list[float] and isinstance(value, list):
            value = [float(item) if type(item) is int else item for item in value]
        if not (self._is_many(value) if self._item else self._is_one(value, self.kind)):
            raise ParameterError(
                f'parameter {self.name} must be {self.expected}, got {value!r} '
                f'({type(value).__name__}): set it to such a value'
            )
        return cast('Value', value)

    @property
    def _item(self) -> type | None:
        return {list[int]: int, list[float]: float, list[str]: str}.get(self.kind)

    def _is_many(self, value: object) -> bool:
        return (
            isinstance(value, list)
            and len(value) == (self.count or len(value))
            and all(self._is_one(item, self._item) for item in value)
        )

    def _is_one(self, value: object, kind: type | None) -> bool:
        if type(value) is not kind:
            return False
        if isinstance(value, str) and (self.choices or self.pattern):
            return value in self.choices or bool(self.pattern and re.fullmatch(self.pattern, value))
        if self.low is None or self.high is None:
            return True
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter to ROS tools."""
        descriptor = ParameterDescriptor(
            description=self.description,
            additional_constraints=f'{self.expected}. {self.when}',
            # rclpy's own type check would refuse `1` for `1.0`, and answer in its own words.
            dynamic_typing=True,
        )
        if self.low is None or self.high is None:
            return descriptor
        if self.kind is float:
            limits = FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
            descriptor.floating_point_range = [limits]
        elif self.kind is int:
            steps = IntegerRange(from_value=int(self.low), to_value=int(self.high), step=1)
            descriptor.integer_range = [steps]
        return descriptor
