"""Data sets: what is learnt from, as frames that went through the serving preprocessing."""
