"""Start the platform on one machine: TorchServe, the embedded PostgreSQL and the page."""
