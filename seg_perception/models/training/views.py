"""The endless stream of augmented frames that a network is trained on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from seg_perception.core.labels import LabelSet
from seg_perception.models.dataset import CityscapesFolder
from seg_perception.models.networks.architecture import architecture
from seg_perception.models.training.augment import Augmentation
from seg_perception.models.training.recipe import Recipe


class RandomViews(Dataset[tuple[Tensor, Tensor]]):
    """Views of a recipe's frames; item `n` depends on the seed and `n` alone.

    That makes a resumed run, and a run on several processes, see what a plain one would have seen.
    Each item is an RGB image, uint8 [height, width, 3], and its trainIds, uint8 [height, width].

    :raises ValueError: when the architecture is unknown.
    :raises DatasetError: when a dataset folder is not in the expected layout.
    """

    def __init__(self, recipe: Recipe, labels: LabelSet) -> None:
        self._seed = recipe.seed
        self._augment = Augmentation(
            recipe.width,
            recipe.height,
            scale=recipe.scale,
            own_pixels=recipe.own_pixels,
            stretch=recipe.stretch,
            rotation=recipe.rotation,
            largest_share=recipe.largest_share,
            color=recipe.color,
            blur=recipe.blur,
            border=architecture(recipe.architecture).mean,
        )
        self._shares = np.array(recipe.shares) / sum(recipe.shares)
        self.folders = []
        for source in recipe.datasets:
            root, _, annotation = source.partition('@')
            self.folders.append(CityscapesFolder(root, 'train', labels, annotation or 'gtFine'))

    @property
    def frames(self) -> int:
        """Number of frames there are."""
        return sum(map(len, self.folders))

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng((self._seed, index))
        number = int(random.choice(len(self.folders), p=self._shares))
        folder = self.folders[number]
        bgr, truth = folder.labelled_image(self._shuffled(number, index))
        rgb, label = self._augment(bgr, truth, random)
        return torch.from_numpy(rgb), torch.from_numpy(label)

    def _shuffled(self, number: int, index: int) -> int:
        """Return a frame of a folder: of a single folder each comes once an epoch."""
        epoch, place = divmod(index, len(self.folders[number]))
        # Three numbers, where a view has two: the two never draw from one stream.
        order = np.random.default_rng((self._seed, number, epoch))
        return int(order.permutation(len(self.folders[number]))[place])

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
