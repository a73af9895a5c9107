"""The services and parameters of a bag_player."""

from __future__ import annotations

from typing import Any

from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger

from test.graph.spinner import find_service, wait_until


class PlayerRemote:
    """Asks a `bag_player` to do things, from a node that is spun elsewhere."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._clients: dict[str, Any] = {}

    def call(self, name: str) -> str:
        """Call pause, resume or toggle_paused and return its answer."""
        future = self._client(Trigger, name).call_async(Trigger.Request())
        wait_until(future.done, f'the answer of {name}')
        assert future.result().success
        return str(future.result().message)

    def set(self, **parameters: object) -> list[Any]:
        """Set parameters and return the results."""
        values = [Parameter(k, value=v).to_parameter_msg() for k, v in parameters.items()]
        client = self._client(SetParameters, 'set_parameters')
        future = client.call_async(SetParameters.Request(parameters=values))
        wait_until(future.done, 'the answer of the parameter service')
        return list(future.result().results)

    def _client(self, kind: type, name: str) -> Any:
        if name not in self._clients:
            self._clients[name] = find_service(self.node, kind, f'bag_player/{name}')
        return self._clients[name]
