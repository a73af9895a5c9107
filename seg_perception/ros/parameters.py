"""What a parameter may be: type, range and meaning, for checks, ROS tools and messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, cast

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

Value: TypeAlias = bool | float | str


class ParameterError(ValueError):
    """A parameter has a value of the wrong type or out of its range."""


@dataclass(frozen=True)
class Rule:
    """What a parameter means and which values it may have."""

    name: str
    kind: type
    description: str
    run_time: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """The values the parameter may have, in words."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        limits = '' if self.low is None else f' from {self.low:g} to {self.high:g}'
        return {str: 'a text', bool: 'true or false', int: 'a whole number', float: 'a number'}[
            self.kind
        ] + limits

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
        if (
            type(value) is not self.kind
            or (self.choices and value not in self.choices)
            or not self._in_range(value)
        ):
            raise ParameterError(
                f'parameter {self.name} must be {self.expected}, got {value!r} '
                f'({type(value).__name__}): set it to such a value'
            )
        return cast('Value', value)

    def _in_range(self, value: object) -> bool:
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
        else:
            steps = IntegerRange(from_value=int(self.low), to_value=int(self.high), step=1)
            descriptor.integer_range = [steps]
        return descriptor
