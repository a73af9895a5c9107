from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from seg_perception.replay.threads import ahead, each, parallel

PATIENCE_S = 10


def test_items_come_in_order_and_in_advance() -> None:
    taken = threading.Semaphore(0)

    def numbers() -> Iterator[int]:
        for number in range(5):
            taken.release()
            yield number

    stream = ahead(numbers(), depth=2)
    assert next(stream) == 0
    for _ in range(4):  # one is taken, two wait, one is in hand
        assert taken.acquire(timeout=PATIENCE_S)
    assert list(stream) == [1, 2, 3, 4]


def test_each_stream_has_a_thread_of_its_own() -> None:
    def name(_: object) -> int:
        return threading.get_ident()

    first = ahead(each(name, [0]))
    assert next(ahead(each(lambda ident: (ident, threading.get_ident()), first))) != (
        threading.get_ident(),
        threading.get_ident(),
    )


def test_an_error_comes_after_the_items_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError('the reason')

    stream = ahead(each(lambda number: number + 1, ahead(broken())))
    assert next(stream) == 2
    with pytest.raises(ValueError, match='the reason'):
        next(stream)


@pytest.mark.parametrize('failing', [False, True])
def test_closing_ends_all_threads(failing: bool) -> None:
    before = threading.active_count()

    def step(number: int) -> int:
        if failing and number == 3:
            raise RuntimeError
        return number

    stream = ahead(each(step, ahead(parallel(step, ahead(iter(range(10**9))), 2))))
    assert next(stream) == 0
    if failing:
        with pytest.raises(RuntimeError):
            list(stream)
    else:
        stream.close()
    assert threading.active_count() == before


def test_workers_run_at_once_and_results_stay_in_order() -> None:
    barrier = threading.Barrier(2)

    def meet(number: int) -> int:
        barrier.wait(PATIENCE_S)
        return number * number

    assert list(parallel(meet, range(6), 2)) == [0, 1, 4, 9, 16, 25]
