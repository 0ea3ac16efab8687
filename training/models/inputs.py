"""Frames as networks read them."""

from torch import Tensor


def as_input(frames: Tensor) -> Tensor:
    """Return what a network reads of frames: float32 (batch, channels, height, width), 0..1.

    Args:
        frames: uint8 (batch, height, width), 0 = paper .. 255 = ink; of photographs (.., 3).
    """
    channels_first = frames.unsqueeze(1) if frames.dim() == 3 else frames.permute(0, 3, 1, 2)
    return channels_first.float() / 255
