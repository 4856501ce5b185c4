"""Training settings by name."""

from collections.abc import Mapping
from types import MappingProxyType

from fpm_edge.train.settings import Augmentation, TrainSettings

__all__ = ["RECIPES"]

# Of the maps that should be silent, and of telling categories apart by their peaks (decision 0029).
_ABSENT, _CATEGORY = 0.15, 2.0

RECIPES: Mapping[str, TrainSettings] = MappingProxyType(
    {
        # Hu et al. 2018, section 4: Adam, 1e-4, batches of 5, 6 epochs.
        "paper": TrainSettings(),
        # Small networks with batch normalisation, from scratch (docs/results/lite.md).
        "lite": TrainSettings(
            epochs=6,
            batch=16,
            learning_rate=4e-3,
            schedule="cosine",
            warmup_steps=200,
            augmentation=Augmentation(),
            self_weight=0.5,
        ),
        # From trained weights to a few hundred photographs. Maps that should be silent stay so, or a bundle could no
        # longer tell what it sees.
        "finetune": TrainSettings(
            epochs=40,
            batch=16,
            learning_rate=1e-3,
            schedule="cosine",
            warmup_steps=50,
            augmentation=Augmentation(),
            absent_weight=_ABSENT,
            category_weight=_CATEGORY,
        ),
        # From weights of drawn garments to photographs of single garments, as they come: what the shipped weights were
        # trained by (docs/results/garments.md).
        "garments": TrainSettings(
            epochs=60,
            batch=16,
            learning_rate=2.5e-3,
            schedule="cosine",
            warmup_steps=200,
            sigma=1.0,
            augmentation=Augmentation(
                rotation=20.0, scale=0.35, shift=0.1, channel_gain=0.15, turn=0.08, perspective=0.1
            ),
            absent_weight=_ABSENT,
            category_weight=_CATEGORY,
            self_weight=0.2,
        ),
        # From float weights to the same network under int8 quantizers. A higher rate moves the answers away from the
        # float model's more than quantization does (docs/results/ccp.md), and so does any without the float model as
        # teacher (docs/training.md).
        "qat": TrainSettings(
            epochs=8,
            batch=16,
            learning_rate=2e-5,
            schedule="cosine",
            warmup_steps=20,
            augmentation=Augmentation(),
            float_weight=10.0,
            freeze_ranges_after=0.5,
        ),
    }
)
