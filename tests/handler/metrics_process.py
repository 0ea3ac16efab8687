"""A worker that has metrics and no network: it adds a batch of one for each line that comes, and says so."""

import sys

from handler import exporter
from handler.metrics import Metrics

seat = exporter.join()
metrics = Metrics(sys.argv[1], "1.0.0", "7")
print("ready", flush=True)
for _ in sys.stdin:
    answer = {"label": "7", "confidence": 0.99, "set": ["7"], "is_digit": True}
    metrics.observe_batch(0.001, 0.001, [0.003], [answer], bad_images=0, busy=0)
    print("added", flush=True)
