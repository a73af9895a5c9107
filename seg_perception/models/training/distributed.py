"""Several processes on one training run, by torch's own means (`torchrun`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Process:
    """One process among those of a run.

    :param rank: its number, from 0.
    :param count: how many there are.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the one that shows progress and saves."""
        return self.rank == 0

    def share(self, network: nn.Module) -> nn.Module:
        """Return the network with batch statistics of all processes, on its device.

        On a CPU, which torch has none such for, statistics stay those of each process.
        """
        network = network.to(self.device)
        if self.count > 1 and self.device.type == 'cuda':
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return network

    def parallel(self, module: nn.Module) -> nn.Module:
        """Return the module with gradients averaged over the processes."""
        if self.count == 1:
            return module
        devices = [self.device] if self.device.type == 'cuda' else None
        return DistributedDataParallel(module, device_ids=devices)

    def total(self, value: Tensor) -> Tensor:
        """Return the sum of the processes' values, outside of any gradient."""
        value = value.detach().clone()
        if self.count > 1:
            distributed.all_reduce(value)
        return value


def leads() -> bool:
    """Tell whether this process is the first of its run, the one that speaks."""
    return os.environ.get('RANK', '0') == '0'


@contextmanager
def process(device: str) -> Iterator[Process]:
    """Join the processes that `torchrun` started; without it, be the only one.

    :raises ValueError: when the device is not there.
    """
    count = int(os.environ.get('WORLD_SIZE', '1'))
    rank = int(os.environ.get('RANK', '0'))
    own = torch.device(device)
    if own.type == 'cuda':
        if not torch.cuda.is_available():
            raise ValueError('--device: expected a GPU that torch can use, found none; use cpu')
        if count > 1:
            own = torch.device('cuda', int(os.environ['LOCAL_RANK']))
            torch.cuda.set_device(own)
    if count == 1:
        yield Process(0, 1, own)
        return
    distributed.init_process_group('nccl' if own.type == 'cuda' else 'gloo')
    try:
        yield Process(rank, count, own)
    finally:
        distributed.destroy_process_group()


class OwnItems:
    """The numbers of a stream's items that fall to one process, in order.

    A step takes the next `batch` items, and each process its share of them, one after another: so
    the items of a step are the same for any number of processes.

    :param start, stop: the first step, and the one after the last.
    :raises ValueError: when the processes cannot share a batch evenly.
    """

    def __init__(self, own: Process, batch: int, start: int, stop: int) -> None:
        if batch % own.count:
            raise ValueError(
                f'--batch: expected a multiple of the {own.count} processes, got {batch}'
            )
        self.per_step = batch // own.count
        self._first = own.rank * self.per_step
        self._batch = batch
        self._steps = range(start, stop)

    def __len__(self) -> int:
        return len(self._steps) * self.per_step

    def __iter__(self) -> Iterator[int]:
        for step in self._steps:
            begin = step * self._batch + self._first
            yield from range(begin, begin + self.per_step)
