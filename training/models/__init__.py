"""Networks and classical models, and the files that hold them."""
