"""From a trained file to the archive that TorchServe loads."""
