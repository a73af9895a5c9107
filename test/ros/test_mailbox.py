from __future__ import annotations

import threading

import pytest

from seg_perception.ros.mailbox import Mailbox


def test_the_newest_item_replaces_the_one_nobody_took() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert not mailbox.put(1)
    assert mailbox.put(2)
    assert mailbox.take(1) == [2]
    assert not mailbox.put(3)


def test_what_is_in_at_the_close_can_be_taken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.take(1) == [1]
    assert mailbox.take(1) == []
    with pytest.raises(RuntimeError, match='closed'):
        mailbox.put(2)


def test_all_senders_that_are_ready_are_taken_together() -> None:
    mailbox: Mailbox[str] = Mailbox(3)
    mailbox.put('left', 2)
    mailbox.put('old', 0)
    assert mailbox.put('front', 0)
    assert sorted(mailbox.take(3)) == ['front', 'left']


def test_of_too_many_senders_those_go_first_that_have_waited_longest() -> None:
    mailbox: Mailbox[int] = Mailbox(5)
    taken = []
    for _ in range(10):
        for sender in range(5):
            mailbox.put(sender, sender)
        taken += mailbox.take(2)
    assert taken == [0, 1, 2, 3, 4] * 4


def test_a_sender_that_floods_does_not_starve_the_others() -> None:
    mailbox: Mailbox[int] = Mailbox(2)
    taken = []
    for _ in range(100):
        mailbox.put(0, 0)
        mailbox.put(0, 0)
        mailbox.put(1, 1)
        taken += mailbox.take(1)
    assert taken == [0, 1] * 50


def test_every_item_is_taken_or_replaced() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def work() -> None:
        while items := mailbox.take(1):
            taken.extend(items)

    worker = threading.Thread(target=work)
    worker.start()
    replaced = sum(mailbox.put(item) for item in range(1, 5001))
    mailbox.close()
    worker.join(30)
    assert len(taken) + replaced == 5000
    assert taken == sorted(taken)
    assert taken[-1] == 5000
