"""What somebody's own network has to be before it is served, asked of ONNX Runtime with real pictures."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime

from training.fitting.measure import AT_ONCE_PIXELS

# How far probabilities may be apart that should be the same: what golden pictures are compared to, too.
AGREED = 1e-3
TOGETHER = 3  # pictures in the batch that is compared with each of them alone
BATCH, SUMS_TO_ONE = 1000, 1e-3


def session_of(model: onnx.ModelProto, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a network, loaded.

    Args:
        model: the network.
        threads: for it to use; 0: as many as there are cores.

    Raises:
        ValueError: it is too large for one file, or ONNX Runtime has not all of its operators.
    """
    try:
        content = model.SerializeToString()
    except Exception as error:  # protobuf's implementations differ in what they raise
        raise ValueError(
            f"The network does not fit into one ONNX file, which may have 2 GB ({error})."
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what it says is in its errors, too
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes have no common parent that it makes public
        words = " ".join(str(error).split())
        raise ValueError(f"ONNX Runtime {onnxruntime.__version__} cannot load the network: {words}") from None


def outputs_of(session: onnxruntime.InferenceSession, frames: np.ndarray) -> np.ndarray:
    """Return a network's first output, float32 (count, ...), of frames, uint8 (count, *frame_shape)."""
    batch = max(1, BATCH * AT_ONCE_PIXELS // frames[0].size)
    parts = [
        session.run(None, {"frames": frames[start : start + batch]})[0]
        for start in range(0, len(frames), batch)
    ]
    return np.concatenate(parts)


def check_batches(read: Callable[[np.ndarray], np.ndarray], frames: np.ndarray, labels: int) -> None:
    """Return if a network gives logits of each label, and of several pictures what it gives of each alone.

    Args:
        read: returns its logits of frames; what it raises as a ValueError is said as it is.
        frames: uint8 (count, *frame_shape), TOGETHER at least.
        labels: how many there are.

    Raises:
        ValueError: it does not; the text says what it does in its place.
    """
    frames = frames[:TOGETHER]
    try:
        found, again = (read(frames) for _ in range(2))
        alone = np.concatenate([read(one[None]) for one in frames])
    except ValueError:
        raise
    except Exception as error:  # as above
        words = " ".join(str(error).split())[:400]
        raise ValueError(
            f"The network cannot read one picture, or cannot read {TOGETHER} at once ({words}): its batch "
            "must be dynamic, and the code must not assume a batch size."
        ) from None
    if found.ndim != 2 or len(found) != TOGETHER:
        raise ValueError(
            f"For {TOGETHER} pictures the network returns {found.shape}, expected ({TOGETHER}, {labels}): a "
            "logit for each label."
        )
    if found.shape[1] != labels:
        raise ValueError(
            f"The network returns {found.shape[1]} logits, but --labels has {labels} labels, expected one "
            "label for each logit, in the same order."
        )
    require_finite(found)
    _require_logits(found)
    if (apart := difference(found, again)) > AGREED:
        raise ValueError(
            "For the same pictures the network returns other probabilities the second time, by "
            f"{apart:.2g}: it is random, as with dropout that is not switched off. Export it after .eval()."
        )
    if (apart := difference(found, alone)) > AGREED:
        raise ValueError(
            "What the network returns for a picture depends on the others in its batch: its probabilities "
            f"change by up to {apart:.2g} (accepted: {AGREED:g}), as with batch normalisation in training "
            "mode. Export it after .eval()."
        )


def require_finite(logits: np.ndarray) -> None:
    """Return if all logits, float32 (count, labels), are numbers.

    Raises:
        ValueError: some are not.
    """
    wrong = int((~np.isfinite(logits)).any(axis=1).sum())
    if wrong:
        raise ValueError(
            f"The network returns logits that are not finite (NaN or infinite) for {wrong} of {len(logits)} "
            "pictures: its weights are damaged, or it expects values other than 0..1."
        )


def _require_logits(found: np.ndarray) -> None:
    """Return if what a network gives, float32 (count, labels), may be logits.

    Raises:
        ValueError: they are probabilities.
    """
    if (found >= 0).all() and (np.abs(found.sum(axis=1) - 1) < SUMS_TO_ONE).all():
        raise ValueError(
            "The network returns probabilities (each picture's add up to 1), expected logits, which "
            "calibration divides by a temperature: leave its softmax out, or take the logarithm after it."
        )


def difference(some: np.ndarray, others: np.ndarray) -> float:
    """Return how far the probabilities of logits, float32 (count, labels) both, are apart at most."""
    return float(np.abs(_softmax(some) - _softmax(others)).max())


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
