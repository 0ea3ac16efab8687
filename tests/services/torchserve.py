"""The real TorchServe for tests."""

from launch.temporary import TorchServe, running

__all__ = ["TorchServe", "running"]
