"""CPUs and urgency of threads: as the system has them, or one sentence that it does not."""

from __future__ import annotations

import os
import resource
import threading

import pytest

from seg_perception.ros.thread_policy import ThreadPolicy, ThreadPolicyError, parse_cpus


@pytest.mark.parametrize(
    ('text', 'cpus'), [('', []), ('3', [3]), ('0-2,6', [0, 1, 2, 6]), ('1,1-2', [1, 2])]
)
def test_lists_of_cpus(text: str, cpus: list[int]) -> None:
    assert parse_cpus(text) == frozenset(cpus)


def test_a_range_backwards_is_refused() -> None:
    with pytest.raises(
        ThreadPolicyError, match='cpu_affinity: expected ranges such as 0-3, got 3-'
    ):
        parse_cpus('3-1')


def test_it_is_that_of_the_thread_and_of_those_it_starts_and_of_no_other() -> None:
    before = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    cpu = max(before[0])
    seen = []

    def look() -> None:
        me = threading.get_native_id()
        seen.append((os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, me)))

    def start() -> str:
        look()
        child = threading.Thread(target=look)
        child.start()
        child.join()
        return 'done'

    policy = ThreadPolicy(cpus=frozenset({cpu}), nice=7)
    assert policy.run(start) == 'done'
    assert seen == [({cpu}, 7)] * 2
    look()
    assert seen[-1] == before


def test_what_the_action_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        ThreadPolicy().run(lambda: 1 // 0)


def test_cpus_that_are_not_there_are_refused() -> None:
    with pytest.raises(ThreadPolicyError, match='expected CPUs that this process may use'):
        ThreadPolicy(cpus=frozenset({1023})).run(lambda: None)


def test_real_time_is_set_or_refused_with_the_cure() -> None:
    policy = ThreadPolicy(scheduling='rr', priority=2)
    cure = 'scheduling rr with priority 2 is refused .* or the process CAP_SYS_NICE'
    if os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0:
        assert policy.run(lambda: os.sched_getscheduler(0)) & os.SCHED_RR
    else:
        with pytest.raises(ThreadPolicyError, match=cure):
            policy.run(lambda: None)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
