"""Several processes: each item goes to one of them, and together they train as one does."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import torch

from seg_perception.models.cli import main
from seg_perception.models.training import start
from seg_perception.models.training.distributed import OwnItems, Process, process
from seg_perception.models.training.recipe import Recipe
from test.models.training.norm_free import norm_free

CPU = torch.device('cpu')


def test_each_item_goes_to_one_process() -> None:
    parts = [list(OwnItems(Process(rank, 3, CPU), 6, start=2, stop=5)) for rank in range(3)]
    assert parts[0] == [12, 13, 18, 19, 24, 25]
    assert sorted(chain(*parts)) == list(range(12, 30))
    assert list(OwnItems(Process(0, 1, CPU), 6, start=2, stop=5)) == list(range(12, 30))
    assert len(OwnItems(Process(1, 3, CPU), 6, start=2, stop=5)) == 6


def test_a_batch_must_be_shared_evenly() -> None:
    with pytest.raises(ValueError, match='--batch: expected a multiple of the 3 processes, got 8'):
        OwnItems(Process(0, 3, CPU), 8, start=0, stop=1)


def test_alone_nothing_is_wrapped() -> None:
    with process('cpu') as own:
        assert (own.rank, own.count, own.device, own.leads) == (0, 1, CPU, True)
        module = torch.nn.BatchNorm2d(3)
        assert own.parallel(module) is module
        assert own.share(module) is module
        assert own.total(torch.tensor(2.0)) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_a_gpu_that_is_not_there() -> None:
    with pytest.raises(ValueError, match='--device: expected a GPU that torch can use, found none'):
        process('cuda').__enter__()


def test_two_processes_train_as_one(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `torchrun` and the command itself: the same weights as one process, to rounding."""
    words = [
        *('--dataset', str(street), '--architecture', 'segnet_small', '--from-scratch'),
        *('--width', '96', '--height', '64', '--iterations', '3', '--batch', '4'),
        *('--balance', '0.5', '--learning-rate', '0.1', '--head-factor', '1'),
    ]
    monkeypatch.setattr(start, 'build', norm_free)
    assert main(['train', *words, '--output', str(tmp_path / 'one')]) == 0
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2'),
            *('-m', 'test.models.training.norm_free', *words, '--output', str(tmp_path / 'two')),
        ],
        cwd=Path(__file__).parents[3],
        env={**os.environ, 'OMP_NUM_THREADS': '1'},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('wrote') == 1
    paths = (tmp_path / name / 'last.pt' for name in ('one', 'two'))
    one, two = (torch.load(path, weights_only=True)['network'] for path in paths)
    torch.manual_seed(0)
    fresh = norm_free(Recipe('segnet_small', ('a',), (1.0,), pretrained=False), 19).state_dict()
    for name, value in one.items():
        change = (value - fresh[name]).abs().max()
        assert change > 0, name
        assert (two[name] - value).abs().max() < 1e-3 * change, name
