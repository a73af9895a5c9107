from __future__ import annotations

import threading

import pytest

from seg_perception.ros.mailbox import Mailbox


def test_the_newest_item_replaces_the_one_nobody_took() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert not mailbox.put(1)
    assert mailbox.put(2)
    assert mailbox.take() == 2
    assert not mailbox.put(3)


def test_what_is_in_at_the_close_can_be_taken() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.take() == 1
    assert mailbox.take() is None
    with pytest.raises(RuntimeError, match='closed'):
        mailbox.put(2)


def test_every_item_is_taken_or_replaced() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def work() -> None:
        while (item := mailbox.take()) is not None:
            taken.append(item)

    worker = threading.Thread(target=work)
    worker.start()
    replaced = sum(mailbox.put(item) for item in range(1, 5001))
    mailbox.close()
    worker.join(30)
    assert len(taken) + replaced == 5000
    assert taken == sorted(taken)
    assert taken[-1] == 5000
