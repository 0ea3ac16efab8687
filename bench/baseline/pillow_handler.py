"""An ordinary handler, as TorchServe's own examples show it: Pillow, torchvision's tensors, eager PyTorch.

It reads what most people send: ink on even paper or on nothing. What the project's handler does beyond that
costs nothing here.
"""

import io
from typing import Any

import torch
from PIL import Image, ImageOps
from torchvision.transforms.functional import pil_to_tensor
from ts.torch_handler.base_handler import BaseHandler

BOX_PX, FRAME_PX = 20, 28
INK_LEVEL = 64


class PillowHandler(BaseHandler):
    """BaseHandler loads the network and runs it; this gives it frames as MNIST's are and names the result."""

    def preprocess(self, data: list[dict[str, Any]]) -> torch.Tensor:
        """Return the batch's frames, float32 (batch, 1, 28, 28), 0 = paper .. 1 = ink, on its device."""
        images = [row.get("data") or row.get("body") for row in data]
        return torch.stack([_frame(bytes(image or b"")) for image in images]).to(self.device)

    def postprocess(self, data: torch.Tensor) -> list[dict[str, Any]]:
        """Return label and probabilities for each row of logits, float32 (batch, labels)."""
        answers = []
        for row in torch.softmax(data, dim=1).tolist():
            named = {self.mapping[str(index)]: probability for index, probability in enumerate(row)}
            label = max(named, key=named.__getitem__)
            answers.append({"label": label, "confidence": named[label], "probabilities": named})
        return answers


def _frame(payload: bytes) -> torch.Tensor:
    """Return one frame: the ink's box scaled to 20 px, its centre of mass in the middle of 28 x 28."""
    image = Image.open(io.BytesIO(payload)).convert("RGBA")
    ink = image.getchannel("A")
    if ink.getextrema() == (255, 255):  # opaque: ink is what differs from the paper
        gray = image.convert("L")
        light_paper = gray.crop((0, 0, 1, 1)).tobytes()[0] >= 128
        ink = ImageOps.invert(gray) if light_paper else gray
    ink = ImageOps.autocontrast(ink)
    ink = ink.crop(ink.point(lambda level: 255 if level > INK_LEVEL else 0).getbbox())
    scale = BOX_PX / max(ink.size)
    width, height = (max(1, round(side * scale)) for side in ink.size)
    box = pil_to_tensor(ink.resize((width, height), Image.Resampling.LANCZOS))[0].float() / 255
    left, top = _start(box.sum(dim=0)), _start(box.sum(dim=1))
    frame = torch.zeros(1, FRAME_PX, FRAME_PX)
    frame[0, top : top + height, left : left + width] = box
    return frame


def _start(profile: torch.Tensor) -> int:
    """Return where a box begins whose profile is float32 (length,), for its mass to be in the middle."""
    centre = float((profile * (torch.arange(len(profile)) + 0.5)).sum() / profile.sum())
    return min(max(round(FRAME_PX / 2 - centre), 0), FRAME_PX - len(profile))
