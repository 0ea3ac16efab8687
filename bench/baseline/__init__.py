"""What the project is measured against: TorchServe as it comes, with an ordinary handler."""
