"""The committed default model, as tests name it whatever its version is."""

from system.files import PROJECT
from training.models import weights

VERSION = weights.load(PROJECT / weights.DEFAULT_WEIGHTS)[1].version
NAMED = f"digits {VERSION}"
