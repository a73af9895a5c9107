"""A thread of the frame path beside ROS."""

from __future__ import annotations

import threading
from collections.abc import Callable

from seg_perception.ros.handover import Handover
from seg_perception.ros.stage import Stage
from seg_perception.ros.thread_policy import ThreadPolicy

PATIENCE_S = 20.0


def make_stage(
    source: Handover[int],
    work: Callable[[int], int | None],
    failed: list[tuple[int, str]],
    give: Handover[int] | None = None,
) -> Stage[int, int]:
    return Stage(
        'test',
        take=source.take,
        work=work,
        fail=lambda item, error: failed.append((item, str(error))),
        give=give,
        policy=ThreadPolicy(),
    )


def test_it_hands_on_what_comes_of_its_work_and_outlives_what_does_not() -> None:
    def work(item: int) -> int | None:
        if item == 3:
            raise ValueError('not this one')
        return None if item == 4 else 10 * item

    source, target = Handover[int](), Handover[int]()
    failed: list[tuple[int, str]] = []
    stage = make_stage(source, work, failed, target)
    stage.start()
    taken = []
    for item in range(6):
        source.put(item)
        if item not in (3, 4):
            taken.append(target.take())
    source.close()
    assert target.take() is None  # its end is the end of the next
    stage.join()
    assert taken == [0, 10, 20, 50]
    assert failed == [(3, 'not this one')]


def test_its_work_has_an_age() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(_: int) -> None:
        begun.set()
        ended.wait(PATIENCE_S)

    source = Handover[int]()
    stage = make_stage(source, work, [])
    assert stage.work_age == 0
    stage.start()
    source.put(1)
    assert begun.wait(PATIENCE_S)
    first = stage.work_age
    while stage.work_age == first:
        pass
    assert stage.work_age > first > 0
    ended.set()
    source.close()
    stage.join()
    assert stage.work_age == 0


def test_one_that_never_started_can_be_joined() -> None:
    make_stage(Handover(), lambda item: item, []).join()
