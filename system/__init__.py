"""What lies below the project: processes, files, ports, variables. It imports nothing of the project."""
