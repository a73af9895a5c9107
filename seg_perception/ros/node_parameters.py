"""The settings as parameters of a node."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import SetParametersResult

from seg_perception.ros.parameters import ParameterError
from seg_perception.ros.settings import RULES, Settings, read_defaults

if TYPE_CHECKING:
    from rclpy.node import Node
    from rclpy.parameter import Parameter

# Declared by rclpy itself.
_FOREIGN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')


class NodeParameters:
    """Declares the parameters on a node and guards them.

    An override (command line, parameter file, launch) with a bad value does not stop the node from
    starting: `settings` tells of it until the parameter is set to a good value.

    :param node: made with `automatically_declare_parameters_from_overrides`, which is the public
        way to see what was overridden.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._problems: dict[str, str] = {}
        self.configured = False
        """While True, only parameters that can change at run time can be set."""
        overrides = {
            name: parameter.value
            for name, parameter in node.get_parameters_by_prefix('').items()
            if not name.startswith(_FOREIGN)
        }
        for name in overrides:
            node.undeclare_parameter(name)
        for name, default in read_defaults().items():
            value = default
            try:
                value = RULES[name].check(overrides.get(name, default))
            except ParameterError as error:
                self._problems[name] = str(error)
            node.declare_parameter(name, value, RULES[name].descriptor(), ignore_override=True)
        if unknown := sorted(overrides.keys() - RULES.keys()):
            node.get_logger().warning(
                'ignoring unknown parameters: ' + ', '.join(map(_with_nearest, unknown))
            )
        node.add_on_set_parameters_callback(self._validate)

    @property
    def settings(self) -> Settings:
        """The current values.

        :raises ParameterError: when a bad override has not been corrected yet.
        """
        if self._problems:
            raise ParameterError('; '.join(self._problems.values()))
        values: dict[str, Any] = {
            name: rule.check(self._node.get_parameter(name).value) for name, rule in RULES.items()
        }
        return Settings(**values)

    def _validate(self, parameters: list[Parameter]) -> SetParametersResult:
        ours = [parameter for parameter in parameters if parameter.name in RULES]
        for parameter in ours:
            rule = RULES[parameter.name]
            if self.configured and not rule.run_time:
                reason = f'{rule.name} cannot change at run time: deactivate and clean up first'
                return SetParametersResult(successful=False, reason=reason)
            try:
                rule.check(parameter.value)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        for parameter in ours:
            self._problems.pop(parameter.name, None)
        return SetParametersResult(successful=True)


def _with_nearest(name: str) -> str:
    nearest = difflib.get_close_matches(name, RULES, n=1, cutoff=0.5)
    return f'{name} (did you mean {nearest[0]}?)' if nearest else name
