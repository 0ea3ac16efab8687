"""What waits for an operator's word: drawings that the loop cannot judge by itself."""
