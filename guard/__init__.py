"""What stands in front of TorchServe: it bounds, orders and checks each request before TorchServe does."""
