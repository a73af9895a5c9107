"""Where and how urgently threads run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar('Result')

_CLASSES = {'other': os.SCHED_OTHER, 'fifo': os.SCHED_FIFO, 'rr': os.SCHED_RR}


class ThreadPolicyError(ValueError):
    """The operating system refuses it."""


@dataclass(frozen=True)
class ThreadPolicy:
    """CPUs and urgency of the threads that carry frames, and of those that a runtime starts.

    :ivar cpus: numbers of the CPUs to run on; none leaves them as they are.
    :ivar scheduling: `other` (the usual), `fifo` or `rr` (real-time).
    :ivar priority: 1 to 99 among real-time threads.
    :ivar nice: -20 to 19 among the usual ones: a smaller one gets more of the CPU.
    """

    cpus: frozenset[int] = frozenset()
    scheduling: str = 'other'
    priority: int = 0
    nice: int = 0

    def apply(self) -> None:
        """Make it the policy of the thread that calls; threads that it starts inherit it.

        :raises ThreadPolicyError: when the operating system refuses it.
        """
        if self.cpus:
            try:
                os.sched_setaffinity(0, self.cpus)
            except OSError as error:
                there = ', '.join(map(str, sorted(os.sched_getaffinity(0))))
                raise ThreadPolicyError(
                    f'cpu_affinity: expected CPUs that this process may use ({there}), got '
                    f'{", ".join(map(str, sorted(self.cpus)))} ({error.strerror})'
                ) from error
        if self.scheduling != 'other':
            try:
                parameters = os.sched_param(self.priority)
                os.sched_setscheduler(0, _CLASSES[self.scheduling], parameters)
            except OSError as error:
                raise ThreadPolicyError(
                    f'scheduling {self.scheduling} with priority {self.priority} is refused '
                    f'({error.strerror}): expected priority 1 to 99 and the right to it; give the '
                    'user `rtprio` in /etc/security/limits.d, or the process CAP_SYS_NICE'
                ) from error
        elif self.nice:
            try:
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.nice)
            except OSError as error:
                raise ThreadPolicyError(
                    f'nice {self.nice} is refused ({error.strerror}): give the user `nice` in '
                    '/etc/security/limits.d, or the process CAP_SYS_NICE, or set it to 0 or more'
                ) from error

    def run(self, action: Callable[[], Result]) -> Result:
        """Call `action` in a thread of this policy, and return or raise what it does.

        The calling thread stays as it is: what was made less urgent could not be turned back.
        """
        results: list[Result] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                self.apply()
                results.append(action())
            except BaseException as error:  # noqa: BLE001  (raised again in the calling thread)
                errors.append(error)

        thread = threading.Thread(target=work, name='configure')
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]


def parse_cpus(text: str) -> frozenset[int]:
    """Return the CPUs of a list such as `0-3,6`; none of an empty one.

    :raises ThreadPolicyError: when a range is backwards.
    """
    cpus: set[int] = set()
    for part in filter(None, text.split(',')):
        first, _, last = part.partition('-')
        chosen = range(int(first), int(last or first) + 1)
        if not chosen:
            raise ThreadPolicyError(f'cpu_affinity: expected ranges such as 0-3, got {part}')
        cpus.update(chosen)
    return frozenset(cpus)
