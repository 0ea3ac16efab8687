"""Somebody's own network as a PyTorch module: its function is called, its weights are read, it is exported.

Importing code runs it, with the rights of whoever does so. Of weights only tensors are read.
"""

import importlib
import io
import re
import traceback
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from training.models.first_weights import plain, tensors_of
from training.models.onnx_program import program_of

# PACKAGE.MODULE:FUNCTION
NAME = re.compile(r"(?:\w+\.)*\w+:\w+")
# An operator as PyTorch names it in its errors: <OpOverload(op='aten.linalg_svd', overload='default')>,
# aten.nonzero.default, torch.ops.mine.twice.
OPERATOR = re.compile(r"op='([\w.]+)'|\b((?:aten|prims|torchvision|torch\.ops)\.\w+(?:\.\w+)*)")
# What decides by what a picture shows which way is taken, in the words of its errors.
BY_VALUES = ("data-dependent", "GuardOnDataDependent", "Dynamic control flow", "item()", "data dependent")
LINE = re.compile(r'File "[^"]+", line \d+.*\n.*')
COUNTED = "num_batches_tracked"  # files of former days lack it, and answers do not depend on it
NAMED = 4  # of many tensors, so many are said


def network_of(named: str, weights: Path | None) -> nn.Module:
    """Return the network that a function gives, in evaluation mode, with the weights of a file.

    Args:
        named: PACKAGE.MODULE:FUNCTION; it takes no arguments. A class will do.
        weights: safetensors, or what torch.save wrote of a state dict; None: as the function gives them.

    Raises:
        OSError: the weights' file cannot be read.
        ValueError: there is no such function, it fails or gives no module, or the weights are not its.
    """
    if not NAME.fullmatch(named):
        raise ValueError(
            f"got --network {named}, expected PACKAGE.MODULE:FUNCTION, such as my_network:photos for "
            "photos() in my_network.py, or a file that ends in .onnx."
        )
    module_name, _, function_name = named.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name, None)
        # A network can be called, too, but for logits.
        network = function() if callable(function) and not isinstance(function, nn.Module) else function
    except ModuleNotFoundError as error:
        raise ValueError(
            f"--network {named}: there is no module {error.name}. Modules are looked for in the current "
            "folder, in those of PYTHONPATH, and among installed packages."
        ) from None
    except Exception as error:
        raise ValueError(f"--network {named}: {_raised(error)}") from None
    if function is None:
        raise ValueError(
            f"--network {named}: {module_name} has no {function_name}, which should return the network."
        )
    if isinstance(network, torch.jit.ScriptModule) or not isinstance(network, nn.Module):
        raise ValueError(
            f"--network {named} returned a {type(network).__name__}, expected a torch.nn.Module that is not "
            "compiled to TorchScript."
        )
    if weights is not None:
        _load(network, weights)
    return network.cpu().float().eval()


def _load(network: nn.Module, path: Path) -> None:
    """Load all of a network's weights from a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it has others than the network's, fewer, or more.
    """
    own = network.state_dict()
    given = tensors_of(path, "--weights")
    names = {plain(name): name for name in own}
    loaded = {names[name]: tensor for name, tensor in given.items() if name in names}
    fresh = [name for name in own if name not in loaded and not name.endswith(COUNTED)]
    foreign = [name for name in given if name not in names]
    other = [
        f"{name} ({_shape(tensor)} in the file, {_shape(own[name])} in the network)"
        for name, tensor in loaded.items()
        if tensor.shape != own[name].shape
    ]
    wrong = {"lacks": fresh, "also has": foreign, "has in another shape": other}
    if any(wrong.values()):
        said = "; it ".join(f"{what} {_some(these)}" for what, these in wrong.items() if these)
        raise ValueError(
            f"--weights {path} does not fit this network: it {said}. Name the file of this network, or let "
            "the function build the one that these weights were saved from."
        )
    network.load_state_dict({**own, **loaded})


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


@torch.no_grad()
def logits_of(network: nn.Module, pictures: Tensor) -> Tensor:
    """Return a network's logits of pictures, float32 (batch, labels).

    Args:
        network: in evaluation mode.
        pictures: float32 (batch, channels, height, width), 0..1.

    Raises:
        ValueError: it cannot read them, or gives something else.
    """
    try:
        found = network(pictures)
    except Exception as error:
        raise ValueError(f"The network cannot read {_shape(pictures)}: {_raised(error)}") from None
    if not isinstance(found, Tensor):
        raise ValueError(
            f"The network returns a {type(found).__name__}, expected one tensor of logits: return only that "
            "from a forward of your own."
        )
    return found.float()


def exported(network: nn.Module, pictures: Tensor) -> onnx.ModelProto:
    """Return a network as ONNX: input "pictures", as `logits_of` takes them; output "logits".

    Args:
        network: in evaluation mode.
        pictures: two or more, as an example.

    Raises:
        ValueError: it cannot be exported; the text names the operator, or the line that decides by values.
    """
    try:
        # It prints its way, and warns of its own insides.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            dynamic = {0: torch.export.Dim("batch")}
            # Within another: theirs may take whatever it is given, as what torch.compile returns does.
            whole = nn.Sequential(network).eval()
            made: onnx.ModelProto = program_of(whole, "pictures", pictures, ["logits"], dynamic).model_proto
    except Exception as error:  # the exporter passes on whatever a network's code raises
        raise ValueError(f"The network cannot be exported to ONNX: {reason(error)}") from None
    return made


def reason(error: BaseException) -> str:
    """Return why a network cannot be exported: which operator is the matter, and on which line it stands."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    texts = [str(one) for one in reversed(chain)]  # what was raised first says most
    operators = [found for text in texts for pair in OPERATOR.findall(text) if (found := "".join(pair))]
    lines = [" ".join(match[0].split()) for text in texts if (match := LINE.search(text))]
    if any(words in text for words in BY_VALUES for text in texts):
        where = f" ({lines[0]})" if lines else ""
        named = f"{operators[0]} gives" if operators else "it has an if or a loop over"
        return (
            f"{named} something that depends on a picture's content{where}, but ONNX has one path for all "
            "pictures: write it with torch.where or torch.cond."
        )
    if operators:
        return f"the operator {operators[0]} cannot be exported to ONNX: use other operators instead."
    return " ".join(texts[0].split())[:400]


def _raised(error: BaseException) -> str:
    """Return in a line what code of theirs raised, and where."""
    frames = [*traceback.extract_tb(error.__traceback__)]
    theirs = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    where = f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{where}"
