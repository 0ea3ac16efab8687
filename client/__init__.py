"""The one client of TorchServe's inference and management APIs; it imports nothing else of the project."""
