from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from seg_perception.benchmark.contest import (
    Contest,
    Contestant,
    ContestantError,
    Entry,
    Job,
    Round,
    labels_of,
    paced_round,
    timed_round,
)
from test.benchmark.jobs import counting, die, fail, refusing


def test_contestants_take_turns_in_their_own_processes() -> None:
    entries = [
        Entry('first', counting),
        Entry('second', counting),
        Entry('broken', partial(refusing, 'no such runtime')),
    ]
    with Contest(entries) as contest:
        assert contest.absent == {'broken': 'ValueError: no such runtime'}
        turns: list[str] = []

        def turn(contestant: Contestant) -> Round:
            turns.append(contestant.name)
            return contestant.ask(partial(timed_round, seconds=0.0))

        rounds = contest.in_turns(4, turn, 'turns')
        assert sorted(turns[0:2]) == sorted(turns[2:4]) == ['first', 'second']
        first = rounds['first']
        # The call that ends the loading is the first; a round has three at least.
        assert len(first) == 4
        assert first[0].stage_ms == {'calls': 3.0}
        assert first[3].stage_ms == {'calls': 12.0}
        assert all(len(of.total_ms) == 3 for of in first)
        assert 5 < first[0].peak_mib < 1000
        assert first[0].span[0] < first[0].span[1] <= first[1].span[0]
        assert contest.use_in(first) is None or contest.gpu is not None
        paced = contest.present[1].ask(partial(paced_round, rate=1000.0, seconds=0.05))
        assert paced.offered == 50
        assert len(paced.latency_ms) + paced.dropped == 50
        assert contest.present[0].ask(labels_of).shape == (2, 3, 4)


@pytest.mark.parametrize(
    ('question', 'reason'),
    [(fail, 'ValueError: of this question'), (die, 'only: its process ended with status 7')],
)
def test_a_contestant_that_fails_says_why(question: Callable[[Job], None], reason: str) -> None:
    with (
        Contest([Entry('only', counting)]) as contest,
        pytest.raises(ContestantError, match=reason),
    ):
        contest.present[0].ask(question)
