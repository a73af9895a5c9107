"""The settings as parameters of a node."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rcl_interfaces.msg import SetParametersResult

from seg_perception.ros.parameters import ParameterError, Value
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
        self._rules = dict(RULES)
        self._problems: dict[str, str] = {}
        self._own: set[str] = set()  # of one camera, and chosen: the others follow the common ones
        self._following = False
        self.configured = False
        """While True, only parameters that can change at run time can be set."""
        self._overrides = {
            name: parameter.value
            for name, parameter in node.get_parameters_by_prefix('').items()
            if not name.startswith(_FOREIGN)
        }
        for name in self._overrides:
            node.undeclare_parameter(name)
        for name, default in read_defaults().items():
            self._declare(name, default)
        self._declare_cameras()
        if unknown := sorted(self._overrides.keys() - self._rules.keys()):
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

    def configure(self) -> dict[str, Settings]:
        """Return the settings of each camera, by its name, and hold what is fixed from here on.

        :raises ParameterError: when a bad override has not been corrected yet, or the names of the
            cameras do not go together.
        """
        self._declare_cameras()
        settings = self.settings
        cameras = settings.cameras
        if not cameras or len(set(cameras)) < len(cameras) or ('' in cameras and len(cameras) > 1):
            raise ParameterError(
                "parameter cameras must be different names, or one that is '', got "
                f'{cameras!r}: set it to such a value'
            )
        self.configured = True
        return {camera: replace(settings, **self._of(camera)) for camera in cameras}

    def _declare(self, name: str, default: Value) -> None:
        value, rule = default, self._rules[name]
        try:
            value = rule.check(self._overrides.get(name, default))
        except ParameterError as error:
            self._problems[name] = str(error)
        self._node.declare_parameter(name, value, rule.descriptor(), ignore_override=True)

    def _declare_cameras(self) -> None:
        """Declare what each camera may have of its own; what it lacks is as for all."""
        for camera in filter(None, self._node.get_parameter('cameras').value):
            for rule in RULES.values():
                name = f'{camera}.{rule.name}'
                if not rule.per_camera or name in self._own:
                    continue
                if self._node.has_parameter(name):
                    self._node.undeclare_parameter(name)
                if name in self._overrides:
                    self._own.add(name)
                self._rules[name] = replace(rule, name=name)
                self._following = True  # rclpy has what is declared validated, too
                self._declare(name, self._node.get_parameter(rule.name).value)
                self._following = False

    def _of(self, camera: str) -> dict[str, Any]:
        names = {rule.name: f'{camera}.{rule.name}' for rule in RULES.values() if rule.per_camera}
        return {
            name: self._rules[own].check(self._node.get_parameter(own).value)
            for name, own in names.items()
            if camera
        }

    def _validate(self, parameters: list[Parameter]) -> SetParametersResult:
        ours = [parameter for parameter in parameters if parameter.name in self._rules]
        for parameter in ours:
            rule = self._rules[parameter.name]
            if self.configured and not rule.run_time:
                reason = f'{rule.name} cannot change at run time: deactivate and clean up first'
                return SetParametersResult(successful=False, reason=reason)
            try:
                rule.check(parameter.value)
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        for parameter in ours:
            self._problems.pop(parameter.name, None)
            if parameter.name not in RULES and not self._following:
                self._own.add(parameter.name)
        return SetParametersResult(successful=True)


def _with_nearest(name: str) -> str:
    nearest = difflib.get_close_matches(name, RULES, n=1, cutoff=0.5)
    return f'{name} (did you mean {nearest[0]}?)' if nearest else name
