"""From a data set to an archive: scripts that read downwards."""
