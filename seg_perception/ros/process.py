"""The process of a node: rclpy, an executor, and a clean end at SIGINT or SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions


class ArgumentsError(ValueError):
    """The command line, or a parameter file that it names, cannot be parsed."""


@dataclass
class Process:
    """What runs a node; `stop` is set when the process is asked to end."""

    executor: SingleThreadedExecutor
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def ros_process(argv: list[str] | None) -> Iterator[Process]:
    """Start rclpy with the arguments of a command line and end it with the block.

    Signals set `stop` and no more. rclpy's own handlers would take its context away from a node
    that still has something to publish or to receive.

    :raises ArgumentsError: when rclpy cannot parse the arguments.
    """
    # Fast DDS sends from a thread of its own then, and not before `publish` returns: half the time
    # for a large image. Other middlewares do not look at it.
    os.environ.setdefault('RMW_FASTRTPS_PUBLICATION_MODE', 'ASYNCHRONOUS')
    try:
        rclpy.init(args=argv, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise ArgumentsError(str(error)) from error
    process = Process(SingleThreadedExecutor())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: process.stop.set())
    try:
        yield process
    finally:
        process.executor.shutdown()
        rclpy.try_shutdown()
