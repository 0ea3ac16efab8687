"""Where the networks run: the provider of ONNX Runtime that an archive's model-config.yaml names."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime

logger = logging.getLogger(__name__)

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
AUTO = "auto"  # CUDA where it can be had, else the CPU
# TF32 keeps ten bits of a product, and golden pictures are compared to a thousandth. Batches come in every
# size up to batchSize, and the default, EXHAUSTIVE, would try all algorithms anew for each size.
# https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
OPTIONS: dict[str, dict[str, str]] = {CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}}
OR_ELSE = f"or write {CPU} or {AUTO} there and build the archive again"


class NoProvider(RuntimeError):  # noqa: N818 - what is the matter, as callers read it
    """The provider that the archive asks for cannot be had; its text is one line that says what to do."""


def asked_for(settings: Mapping[str, Any] | None) -> str:
    """Return the provider that a model's settings ask for; the CPU's where they name none.

    Args:
        settings: those of the archive's model-config.yaml.

    Raises:
        NoProvider: what stands there is no name.
    """
    section = (settings or {}).get("handler") or {}
    name = section.get("provider", CPU) if isinstance(section, Mapping) else section
    if not isinstance(name, str) or not (name == AUTO or name.endswith("ExecutionProvider")):
        raise NoProvider(
            f"handler.provider in the archive's model-config.yaml is {name!r}, expected {AUTO}, {CPU}, "
            f"{CUDA} or another of ONNX Runtime's names: write one of them and build the archive again."
        )
    return name


def session(path: Path, provider: str = CPU) -> onnxruntime.InferenceSession:
    """Return a network on one thread: there are several workers, and one's threads would take others' cores.

    Args:
        path: the network's file.
        provider: ONNX Runtime's name of it, or AUTO. What it cannot compute is left to the CPU.

    Raises:
        NoProvider: this machine does not have it, or it does not start.
        Exception: the file cannot be loaded; onnxruntime's own classes have no common parent that it makes
            public.
    """
    available = onnxruntime.get_available_providers()
    wanted = provider
    if provider == AUTO:
        wanted = CUDA if CUDA in available else CPU
    if wanted not in available:
        package = (
            "onnxruntime-gpu in place of onnxruntime" if wanted == CUDA else "a build of it that has that"
        )
        raise NoProvider(
            f"The archive asks for {wanted} (handler.provider in its model-config.yaml), and ONNX Runtime "
            f"{onnxruntime.__version__} here has {', '.join(available)}: install {package}, {OR_ELSE}."
        )
    if wanted == CUDA and hasattr(onnxruntime, "preload_dlls"):
        # From NVIDIA's Python packages, where they are installed; else the system's are looked for.
        onnxruntime.preload_dlls()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    order = [(wanted, OPTIONS.get(wanted, {}))] + ([] if wanted == CPU else [(CPU, {})])
    made = onnxruntime.InferenceSession(path, options, providers=order)
    # Where a provider does not start, ONNX Runtime says so in its log and goes on without it.
    if made.get_providers()[0] == wanted:
        return made
    if provider != AUTO:
        raise NoProvider(
            f"The archive asks for {wanted} (handler.provider in its model-config.yaml), and it does not "
            f"start here, but {', '.join(made.get_providers())} does: install the libraries and the driver "
            f"that ONNX Runtime's log above misses, {OR_ELSE}."
        )
    logger.warning("%s does not start here, so that the networks run on the CPU; the log says why", wanted)
    return made
