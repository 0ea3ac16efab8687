"""The network that tells writing from what it is written on (`handler/writing.py`), and how it is trained."""
