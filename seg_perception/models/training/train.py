"""Training: the steps of a recipe, with progress and checkpoints, on one process or several."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from seg_perception.core.labels import load_label_set
from seg_perception.models.networks.network import Network
from seg_perception.models.training import start
from seg_perception.models.training.checkpoint import Run
from seg_perception.models.training.distributed import OwnItems, Process, process
from seg_perception.models.training.loss import Loss
from seg_perception.models.training.recipe import Recipe
from seg_perception.models.training.views import RandomViews


def train(
    recipe: Recipe,
    output: Path,
    *,
    device: str = 'cpu',
    resume: bool = False,
    compiled: bool = False,
    workers: int = 0,
    save_every: int = 200,
) -> Path:
    """Train and return the path of the final checkpoint, `<output>/last.pt`.

    Started by `torchrun`, its processes share the work; the first of them saves.

    :param resume: go on from `<output>/last.pt` where there is one.
    :param compiled: let torch compile the network and its loss first.
    :raises ValueError: when the recipe names what does not exist, weights do not fit the network,
        or the loss is no number.
    :raises DatasetError: when a dataset folder is not in the expected layout.
    """
    output.mkdir(parents=True, exist_ok=True)
    labels = load_label_set(recipe.label_set)
    views = RandomViews(recipe, labels)
    recipe = recipe.for_frames(views.frames)
    checkpoint = output / 'last.pt'
    with process(device) as own:
        state = _prepare(recipe, len(labels.labels), own)
        first = state.restore(checkpoint) if resume and checkpoint.is_file() else 0
        weights = None
        if recipe.balance:
            weights = torch.from_numpy(views.class_weights(len(labels.labels), recipe.balance))
        loss = Loss(state.network, recipe.auxiliary, weights, amp=recipe.amp).to(own.device)
        forward = own.parallel(loss)
        if compiled:
            forward = torch.compile(forward)
        items = OwnItems(own, recipe.batch, first, recipe.iterations)
        loader = DataLoader(views, batch_size=items.per_step, sampler=items, num_workers=workers)
        # Each process, and each part of an interrupted run, drops out differently.
        seed = np.random.SeedSequence((recipe.seed, own.rank, first))
        torch.manual_seed(int(seed.generate_state(1)[0]))
        smooth: float | None = None
        bar = tqdm(loader, 'training', recipe.iterations, initial=first, disable=not own.leads)
        for iteration, batch in enumerate(bar, start=first):
            rate = _set_rate(state.optimizer, recipe, iteration)
            value = _step(state, own, loss, forward, batch)
            if not math.isfinite(value):
                raise ValueError(
                    f'the loss became {value} at iteration {iteration}; lower --learning-rate'
                )
            smooth = value if smooth is None else 0.98 * smooth + 0.02 * value
            bar.set_postfix(loss=f'{smooth:.3f}', lr=f'{rate:.1e}', refresh=False)
            done = iteration + 1
            if own.leads and (done % save_every == 0 or done == recipe.iterations):
                state.save(checkpoint, done)
    return checkpoint


def _prepare(recipe: Recipe, classes: int, own: Process) -> Run:
    torch.manual_seed(recipe.seed)
    network: Network = own.share(start.build(recipe, classes))
    network.train()
    if recipe.freeze_early:
        # Their batch statistics stay those of ImageNet, as their weights do.
        for module in network.early_modules():
            module.requires_grad_(False).eval()
    on_gpu = own.device.type == 'cuda'
    scaler = torch.amp.GradScaler(own.device.type, enabled=recipe.amp and on_gpu)
    return Run(recipe, network, _optimizer(recipe, network), scaler)


def _step(
    state: Run, own: Process, loss: Loss, forward: nn.Module, batch: tuple[Tensor, Tensor]
) -> float:
    """Change the weights by one batch, of which this process has its part; returns the loss."""
    rgb, truth = (tensor.to(own.device, non_blocking=True) for tensor in batch)
    # Gradients are averaged over processes, losses divided by the pixels of them all.
    pixels = own.total(loss.pixels(truth)) / own.count
    part = forward(rgb, truth, pixels)
    state.optimizer.zero_grad(set_to_none=True)
    state.scaler.scale(part).backward()
    if state.recipe.clip:
        state.scaler.unscale_(state.optimizer)
        nn.utils.clip_grad_norm_(state.network.parameters(), state.recipe.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    return float(own.total(part)) / own.count


def _optimizer(recipe: Recipe, network: Network) -> torch.optim.Optimizer:
    head = list(network.head_parameters())
    in_head = {id(parameter) for parameter in head}
    body = [p for p in network.parameters() if p.requires_grad and id(p) not in in_head]
    groups = [{'params': body, 'factor': 1.0}, {'params': head, 'factor': recipe.head_factor}]
    if recipe.optimizer == 'sgd':
        return torch.optim.SGD(
            groups, lr=recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay
        )
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, iteration: int) -> float:
    rate = recipe.rate(iteration)
    for group in optimizer.param_groups:
        group['lr'] = rate * group['factor']
    return rate
