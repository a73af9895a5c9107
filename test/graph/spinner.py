"""What tests on a live graph share: a node that spins in a thread, and patience."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from rclpy.node import Node

PATIENCE_S = 30.0
# Where consumers must not lose a message, so that tests can count.
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)

# A domain of its own for each process that runs tests: conftest.py chooses it.
DOMAIN = int(os.environ['ROS_DOMAIN_ID'])


class Spinner:
    """A context, one node of it, and a thread that spins it."""

    def __init__(self, make: Callable[[Context], Any], domain: int = DOMAIN) -> None:
        self.context = Context()
        rclpy.init(args=[], context=self.context, domain_id=domain)
        self.node = make(self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def call(self, action: Callable[[], Any]) -> Any:
        """Run an action in the spinning thread, between callbacks, and return its result."""
        task = self.executor.create_task(action)
        wait_until(task.done, 'the executor to run a task')
        return task.result()

    def close(self) -> None:
        self._stop.set()
        self.executor.create_task(lambda: None)  # ends the waiting
        self._thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def _spin(self) -> None:
        while not self._stop.is_set():
            self.executor.spin_once(timeout_sec=0.5)


class Inbox(list[Any]):
    """The messages of one topic, in order of arrival."""

    def newest(self) -> Any:
        """Wait for a message, and return the last that came."""
        wait_until(lambda: bool(self), 'a message')
        return self[-1]

    def after(self, count: int) -> Any:
        """Wait for more than `count` messages, and return the last that came."""
        wait_until(lambda: len(self) > count, f'message {count + 1}')
        return self[-1]


def find_service(node: Node, kind: type, name: str) -> Any:
    """Return a client whose service was found.

    On a busy machine Fast DDS now and then never tells two endpoints of each other; a new client
    is announced anew.
    """
    for _ in range(3):
        client = node.create_client(kind, name)
        if client.wait_for_service(PATIENCE_S / 3):
            # The service may not know yet where its answers go, and nothing tells when it does.
            time.sleep(0.3)
            return client
        node.destroy_client(client)
    raise AssertionError(f'expected the service {name}, found none')


def ask(node: Node, kind: type, name: str, request: Any) -> Any:
    """Return the answer to a question that changes nothing: it is asked again if that is lost."""
    for _ in range(3):
        future = find_service(node, kind, name).call_async(request)
        deadline = time.monotonic() + PATIENCE_S / 3
        while not future.done() and time.monotonic() < deadline:
            time.sleep(0.002)
        if future.done():
            return future.result()
    raise AssertionError(f'expected an answer of {name}, got none')


def wait_until(predicate: Callable[[], bool], what: str, patience: float = PATIENCE_S) -> None:
    """Wait until something is true; fail when it takes too long."""
    deadline = time.monotonic() + patience
    while not predicate():
        assert time.monotonic() < deadline, f'waited in vain for {what}'
        time.sleep(0.002)
