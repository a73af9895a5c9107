"""load_cycles: takes a lifecycle node through its life again and again, frames and all."""

from __future__ import annotations

import sys
import time

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from seg_perception.ros.load_protocol import CYCLE
from seg_perception.ros.parameters import ParameterError, Rule, Value
from seg_perception.ros.process import ArgumentsError, ros_process
from seg_perception.ros.tool_parameters import declare, usage

PARAMETERS: dict[Rule, Value] = {
    Rule('node', str, 'Name of the lifecycle node, which must be unconfigured.'): 'segmentation',
    Rule('cycles', int, 'How often.', low=1, high=1_000_000): 200,
    Rule('active', float, 'Seconds that the node stays active.', low=0, high=3600): 1.0,
    Rule('timeout', float, 'Seconds in which a transition must be done.', low=1, high=3600): 60.0,
}

_LIFE = (
    Transition.TRANSITION_CONFIGURE,
    Transition.TRANSITION_ACTIVATE,
    Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_CLEANUP,
)


class CycleError(RuntimeError):
    """The node does not do what it is told; the text says what."""


class LoadCycles(Node):
    """Asks a lifecycle node for its transitions.

    :raises ParameterError: in one sentence.
    """

    def __init__(self) -> None:
        super().__init__('load_cycles')
        self.values = declare(self, PARAMETERS)
        self._client = self.create_client(ChangeState, f'{self.values["node"]}/change_state')

    def cycle(self, executor: SingleThreadedExecutor) -> None:
        """Take the node from unconfigured to unconfigured.

        :raises CycleError: when a transition fails or takes too long.
        """
        timeout = self.values['timeout']
        if not self._client.wait_for_service(timeout):
            raise CycleError(f'there is no service {self._client.srv_name} within {timeout:g} s')
        for transition in _LIFE:
            request = ChangeState.Request(transition=Transition(id=transition))
            future = self._client.call_async(request)
            executor.spin_until_future_complete(future, timeout)
            if not future.done() or not future.result().success:
                outcome = 'failed' if future.done() else f'took more than {timeout:g} s'
                raise CycleError(f'transition {transition} of {self.values["node"]} {outcome}')
            if transition == Transition.TRANSITION_ACTIVATE:
                time.sleep(self.values['active'])


def main(argv: list[str] | None = None) -> int:
    """Cycle, printing the number of each; return 1 when a transition fails."""
    arguments = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(arguments):
        print(usage('load_cycles', __doc__ or '', PARAMETERS))
        return 0
    try:
        with ros_process(arguments) as process:
            node = LoadCycles()
            process.executor.add_node(node)
            for number in range(1, node.values['cycles'] + 1):
                if process.stop.is_set():
                    break
                node.cycle(process.executor)
                print(f'{CYCLE} {number}', flush=True)
    except (ArgumentsError, ParameterError, CycleError) as error:
        print(f'load_cycles: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
