from __future__ import annotations

from seg_perception.ros.complaints import QUIET_S, Complaints


def test_each_kind_is_said_once_in_a_while() -> None:
    now = 100.0
    said: list[str] = []
    complaints = Complaints(said.append, clock=lambda: now)
    complaints.say('too old by 1.5 s')
    complaints.say('too old by 2.25 s')
    complaints.say('bad encoding')
    assert said == ['too old by 1.5 s', 'bad encoding']
    assert complaints.last == 'bad encoding'
    complaints.say('too old by 3 s')
    now += QUIET_S
    complaints.say('too old by 4.5 s')
    assert said[2:] == ['too old by 4.5 s (2 more of this kind before)']


def test_kinds_without_end_fill_neither_the_log_nor_the_memory() -> None:
    now = 100.0
    said: list[str] = []
    complaints = Complaints(said.append, clock=lambda: now)
    for number in range(1000):
        complaints.say('x' * (number + 1))
    assert said == ['x' * (number + 1) for number in range(16)]
    assert complaints.last == 'x' * 1000
    assert len(complaints._kinds) == 16
    now += QUIET_S
    complaints.say('bad encoding')
    assert said[16:] == ['bad encoding']
