"""What stands behind the page."""

from dataclasses import dataclass, field

from client.inference import Inference
from client.management import Management
from db.drawings import Drawings
from db.log import PredictionLog
from db.writer import Writer
from rollout.routes import Routes
from ui.draw.live import Live
from ui.metrics import Metrics
from ui.models.listing import Models
from ui.models.loading import Loader
from ui.networks import Networks
from ui.recent import Recent


@dataclass(frozen=True)
class Backend:
    """What stands behind the page, made once when it starts."""

    inference: Inference
    management: Management
    model: str
    models: Models
    loader: Loader
    log: PredictionLog
    drawings: Drawings
    writer: Writer
    recent: Recent
    metrics: Metrics
    live: Live = field(default_factory=Live)
    routes: Routes = field(default_factory=Routes)
    networks: Networks = field(default_factory=Networks)
