"""Training with the paper's recipe: poly learning rate, auxiliary loss, random views."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from seg_perception.core.labels import UNLABELLED, LabelSet, load_label_set
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.networks.build import build as build_network
from seg_perception.models.networks.build import load_imagenet
from seg_perception.models.networks.network import Network
from seg_perception.models.training.augment import Augmentation

AUXILIARY_WEIGHT = 0.4
POLY_POWER = 0.9


@dataclass(frozen=True)
class Recipe:
    """The whole of a training run; kept in its checkpoints.

    :param datasets: folders in Cityscapes layout, each `DIR` or `DIR@annotation`.
    :param shares: how often a frame is drawn from each of them, relative to one another.
    :param balance: 0 weighs all pixels alike, 1 weighs all classes alike, 0.5 is between.
    :param freeze_early: keep the pretrained first layers (up to stride 4) as they are.
    """

    architecture: str
    datasets: tuple[str, ...]
    shares: tuple[float, ...]
    label_set: str = 'cityscapes'
    width: int = 512
    height: int = 288
    iterations: int = 90_000
    batch: int = 16
    optimizer: str = 'sgd'
    learning_rate: float = 0.01
    head_factor: float = 10.0
    weight_decay: float = 1e-4
    scale: tuple[float, float] = (0.5, 2.0)
    balance: float = 0.0
    pretrained: bool = True
    freeze_early: bool = False
    seed: int = 0


class RandomViews(Dataset[tuple[Tensor, Tensor]]):
    """An endless stream of augmented frames; item `n` depends on the seed and `n` alone.

    That makes a resumed run see what an uninterrupted one would have seen.
    """

    def __init__(self, recipe: Recipe, labels: LabelSet) -> None:
        self._seed = recipe.seed
        self._augment = Augmentation(recipe.width, recipe.height, recipe.scale)
        self._shares = np.array(recipe.shares) / sum(recipe.shares)
        self.folders = []
        for source in recipe.datasets:
            root, _, annotation = source.partition('@')
            self.folders.append(CityscapesFolder(root, 'train', labels, annotation or 'gtFine'))

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng((self._seed, index))
        folder = self.folders[random.choice(len(self.folders), p=self._shares)]
        frame = int(random.integers(len(folder)))
        rgb, label = self._augment(folder.image(frame), folder.truth(frame), random)
        return torch.from_numpy(rgb), torch.from_numpy(label)

    def class_weights(self, classes: int, balance: float) -> npt.NDArray[np.float32]:
        """Return a weight a class, [classes], from how rare its pixels are; 1 on average."""
        counts = np.zeros(classes)
        for folder, share in zip(self.folders, self._shares, strict=True):
            own = np.zeros(256)
            for index in range(len(folder)):
                own += np.bincount(folder.truth(index).ravel(), minlength=256)
            counts += share * own[:classes] / max(own[:classes].sum(), 1)
        weights = np.where(counts > 0, np.maximum(counts, 1e-4) ** -balance, 0)
        balanced: npt.NDArray[np.float32] = (weights / (weights * counts).sum()).astype(np.float32)
        return balanced


def train(
    recipe: Recipe,
    output: Path,
    *,
    device: str = 'cpu',
    resume: bool = False,
    workers: int = 0,
    save_every: int = 200,
) -> Path:
    """Train and return the path of the final checkpoint, `<output>/last.pt`.

    :param resume: go on from `<output>/last.pt` where there is one.
    :raises ValueError: when the recipe names what does not exist.
    :raises DatasetError: when a dataset folder is not in the expected layout.
    """
    output.mkdir(parents=True, exist_ok=True)
    labels = load_label_set(recipe.label_set)
    views = RandomViews(recipe, labels)
    torch.manual_seed(recipe.seed)
    network = build(recipe, len(labels.labels)).to(device)
    optimizer = _optimizer(recipe, network)
    checkpoint = output / 'last.pt'
    start = 0
    if resume and checkpoint.is_file():
        start = _restore(checkpoint, network, optimizer)
    weight = None
    if recipe.balance:
        table = views.class_weights(len(labels.labels), recipe.balance)
        weight = torch.from_numpy(table).to(device)
    loader = DataLoader(
        views,
        batch_size=recipe.batch,
        sampler=range(start * recipe.batch, recipe.iterations * recipe.batch),
        num_workers=workers,
    )
    norm = network.architecture
    mean = torch.tensor(norm.mean, device=device).view(1, 3, 1, 1)
    std = torch.tensor(norm.std, device=device).view(1, 3, 1, 1)
    _set_training(network, recipe)
    smooth: float | None = None
    with tqdm(total=recipe.iterations, initial=start, unit='it', desc='training') as bar:
        for iteration, (rgb, truth) in enumerate(loader, start=start):
            rate = _set_rate(optimizer, recipe, iteration)
            image = (rgb.to(device).permute(0, 3, 1, 2).float() - mean) / std
            loss = _loss(network, image, truth.to(device).long(), weight)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimizer.step()
            value = float(loss.detach())
            if not np.isfinite(value):
                raise FloatingPointError(
                    f'the loss became {value} at iteration {iteration}; lower --learning-rate'
                )
            smooth = value if smooth is None else 0.98 * smooth + 0.02 * value
            bar.set_postfix(loss=f'{smooth:.3f}', lr=f'{rate:.1e}', refresh=False)
            bar.update()
            done = iteration + 1
            if done % save_every == 0 or done == recipe.iterations:
                _save(checkpoint, recipe, network, optimizer, done)
    return checkpoint


def build(recipe: Recipe, classes: int) -> Network:
    """Make the network of a recipe, with pretrained weights where it asks for them.

    :raises ValueError: when the architecture is unknown or has no pretrained weights.
    """
    network = build_network(architecture(recipe.architecture), classes)
    if recipe.pretrained:
        load_imagenet(network)
    network.to(memory_format=torch.channels_last)
    return network


def load_checkpoint(path: Path) -> tuple[Network, dict[str, Any]]:
    """Read a checkpoint of `train`: the network in evaluation mode and the recipe it came from.

    :raises ValueError: when the file is not such a checkpoint.
    """
    state = _read(path)
    recipe: dict[str, Any] = state['recipe']
    labels = load_label_set(recipe['label_set'])
    network = build_network(architecture(recipe['architecture']), len(labels.labels))
    network.load_state_dict(state['network'])
    return network.eval(), {**recipe, 'iteration': state['iteration']}


def _loss(network: Network, image: Tensor, truth: Tensor, weight: Tensor | None) -> Tensor:
    main, auxiliary = network(image.contiguous(memory_format=torch.channels_last))
    losses = [
        F.cross_entropy(
            F.interpolate(
                logits,
                size=truth.shape[1:],
                mode='bilinear',
                align_corners=network.architecture.align_corners,
            ),
            truth,
            weight,
            ignore_index=UNLABELLED,
        )
        for logits in (main, auxiliary)
        if logits is not None
    ]
    return losses[0] + AUXILIARY_WEIGHT * sum(losses[1:])


def _optimizer(recipe: Recipe, network: Network) -> torch.optim.Optimizer:
    if recipe.freeze_early:
        for module in network.early_modules():
            module.requires_grad_(False)
    head = list(network.head_parameters())
    in_head = {id(parameter) for parameter in head}
    body = [p for p in network.parameters() if p.requires_grad and id(p) not in in_head]
    groups = [{'params': body, 'factor': 1.0}, {'params': head, 'factor': recipe.head_factor}]
    if recipe.optimizer == 'sgd':
        return torch.optim.SGD(
            groups, lr=recipe.learning_rate, momentum=0.9, weight_decay=recipe.weight_decay
        )
    if recipe.optimizer == 'adamw':
        return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    raise ValueError(f'no optimizer {recipe.optimizer!r}; known are sgd and adamw')


def _set_training(network: Network, recipe: Recipe) -> None:
    network.train()
    if recipe.freeze_early:
        # Their batch statistics stay those of ImageNet, as their weights do.
        for module in network.early_modules():
            module.eval()


def _set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, iteration: int) -> float:
    rate: float = recipe.learning_rate * (1 - iteration / recipe.iterations) ** POLY_POWER
    for group in optimizer.param_groups:
        group['lr'] = rate * group['factor']
    return rate


def _save(
    path: Path, recipe: Recipe, network: Network, optimizer: torch.optim.Optimizer, done: int
) -> None:
    # Written beside and renamed: a run killed while saving keeps its last checkpoint.
    draft = path.with_suffix('.part')
    torch.save(
        {
            'recipe': asdict(recipe),
            'iteration': done,
            'network': network.state_dict(),
            'optimizer': optimizer.state_dict(),
        },
        draft,
    )
    draft.replace(path)


def _restore(path: Path, network: Network, optimizer: torch.optim.Optimizer) -> int:
    state = _read(path)
    network.load_state_dict(state['network'])
    optimizer.load_state_dict(state['optimizer'])
    return int(state['iteration'])


def _read(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:
        raise ValueError(f'{path} is not a checkpoint of `model train`: {error}') from error
    if not isinstance(state, dict) or not {'recipe', 'iteration', 'network'} <= set(state):
        raise ValueError(f'{path} is not a checkpoint of `model train`: keys are missing')
    return state
