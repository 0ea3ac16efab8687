"""What a HorizontalPodAutoscaler decides, by Kubernetes' published rules, from the manifest that is deployed.

KEDA hands it the query's value as an external metric with an average value as target. The formulas are those
of `GetExternalPerPodMetricReplicas` and of the stabilisation and policies in
https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from system.files import PROJECT

MANIFEST = PROJECT / "deploy" / "kubernetes" / "autoscaling" / "scaledobject.yaml"
# --horizontal-pod-autoscaler-tolerance and -sync-period, as Kubernetes has them by default.
TOLERANCE, PERIOD_S = 0.1, 15.0


@dataclass(frozen=True)
class Scaling:
    """How replicas are to follow the load.

    Attributes:
        target: requests in flight that one replica should have.
        least: fewest replicas.
        most: most replicas.
        up_s: the least that was wanted within so long is what is scaled up to, seconds.
        down_s: the most that was wanted within so long stays, seconds.
        up_factor: replicas grow at most so many times a period,
        up_pods: or by so many, whichever is more.
    """

    target: float
    least: int
    most: int
    up_s: float
    down_s: float
    up_factor: float
    up_pods: int


def deployed(manifest: Path = MANIFEST) -> Scaling:
    """Return what the ScaledObject says.

    Raises:
        ValueError: one of its policies counts in another period than PERIOD_S, which is not computed here.
    """
    spec = yaml.safe_load(manifest.read_text(encoding="utf-8"))["spec"]
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    for policy in [*up["policies"], *down["policies"]]:
        if policy["periodSeconds"] != PERIOD_S:
            raise ValueError(f"{manifest.name} has the policy {policy}, expected periodSeconds {PERIOD_S:g}")
    values = {policy["type"]: policy["value"] for policy in up["policies"]}
    return Scaling(
        target=float(spec["triggers"][0]["metadata"]["threshold"]),
        least=spec["minReplicaCount"],
        most=spec["maxReplicaCount"],
        up_s=up["stabilizationWindowSeconds"],
        down_s=down["stabilizationWindowSeconds"],
        up_factor=1 + values["Percent"] / 100,
        up_pods=values["Pods"],
    )


def wanted(in_flight: float, replicas: int, target: float) -> int:
    """Return how many replicas the metric asks for, unbounded: as many as there are within the tolerance.

    Args:
        in_flight: requests in flight at all replicas together.
        replicas: how many there are, at least 1.
        target: how many requests in flight one should have.
    """
    if abs(1 - in_flight / (target * replicas)) <= TOLERANCE:
        return replicas
    return math.ceil(in_flight / target)


@dataclass
class Autoscaler:
    """An autoscaler that remembers what it wanted; to be asked every PERIOD_S."""

    scaling: Scaling
    _wanted: deque[tuple[float, int]] = field(default_factory=deque)

    def decide(self, now_s: float, in_flight: float, replicas: int) -> int:
        """Return how many replicas there are to be from now on."""
        rule = self.scaling
        self._wanted.append((now_s, wanted(in_flight, replicas, rule.target)))
        while self._wanted[0][0] <= now_s - max(rule.up_s, rule.down_s, PERIOD_S):
            self._wanted.popleft()
        up = min(self._within(now_s, rule.up_s))
        down = max(self._within(now_s, rule.down_s))
        stable = min(max(replicas, up), down)
        stable = min(stable, max(math.ceil(rule.up_factor * replicas), replicas + rule.up_pods))
        return min(max(stable, rule.least), rule.most)

    def _within(self, now_s: float, window_s: float) -> list[int]:
        """Return what was wanted within the window, now included."""
        return [count for time_s, count in self._wanted if time_s > now_s - window_s or time_s == now_s]
