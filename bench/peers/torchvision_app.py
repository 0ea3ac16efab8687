"""What one writes oneself to serve photographs: FastAPI, Pillow, torchvision's transforms, eager PyTorch.

uvicorn starts it in each of its workers; an environment variable names the file of weights.
"""

import io
import os
from pathlib import Path

import torch
from fastapi import FastAPI, Request
from PIL import Image
from torchvision import transforms

from handler.framings import frame_shape
from training.models import weights

WEIGHTS_VARIABLE = "BENCH_WEIGHTS"


def app() -> FastAPI:
    """Return the application around a network for photographs, which normalises colours itself."""
    torch.set_num_threads(1)  # several processes share the cores
    network, about = weights.load(Path(os.environ[WEIGHTS_VARIABLE]))
    side_px = frame_shape(about.framing)[0]
    frame_of = transforms.Compose(
        [transforms.Resize(side_px), transforms.CenterCrop(side_px), transforms.ToTensor()]
    )
    served = FastAPI()

    # Not in a thread pool: with one thread a process, a second one would only take turns with it.
    @served.post("/predict")
    async def predict(request: Request) -> dict[str, object]:
        image = Image.open(io.BytesIO(await request.body())).convert("RGB")
        with torch.inference_mode():
            logits = network(frame_of(image)[None]) / about.temperature
        named = dict(zip(about.label_names, logits.softmax(1)[0].tolist(), strict=True))
        label = max(named, key=named.__getitem__)
        return {"label": label, "confidence": named[label], "probabilities": named}

    return served
