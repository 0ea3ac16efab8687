"""What the platform remembers: predictions, what people said about them, and both read together."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID


class _Timed:
    """What has a time, with a zone: without one PostgreSQL would silently read it as its own."""

    created_at: datetime

    def __post_init__(self) -> None:
        """Raise ValueError for a time without a zone."""
        if self.created_at.tzinfo is None:
            raise ValueError(f"{self.created_at} has no time zone: pass datetime.now(UTC)")


@dataclass(frozen=True, kw_only=True)
class Summary(_Timed):
    """What the model made of one drawing, without the drawing: what lists are made of.

    Attributes:
        id: Made by the sender, so that a repeated write is recognised.
        created_at: With a time zone; it comes back from the database in UTC.
        session_id: Whose history the drawing belongs to (a browser's session), 1 to 200 characters.
        source: Where the drawing came from, such as "sketchpad", "upload" or "api".
        model_name: As registered in TorchServe.
        model_version: As in the archive's manifest.
        preprocessing: Fingerprint of the preprocessing that made the frame.
        predicted_label: The most probable label.
        confidence: Its probability, 0 to 1.
        probabilities: Every label's probability.
        pen_colour: CSS colour of the pen, where known.
        background_colour: CSS colour of the paper, where known.
        latency_ms: From the request's start to its answer, as the sender measured it.
        request_id: The id under which the servers logged the request.
        is_digit: Whether it looks like a digit at all, or to another model, like what it was trained on; None
            where the model does not say.
        label_set: The labels that it may be, likeliest first; None where the model gives no set.
        thumbnail: A small PNG of the drawing, at most `schema.MAX_THUMBNAIL_BYTES`; None where there is none.
        drawing_id: Which drawing was answered: of several answers to one the last counts. None where the
            sender does not tell drawings apart, and each answer counts.
    """

    id: UUID
    created_at: datetime
    session_id: str
    source: str
    model_name: str
    model_version: str
    preprocessing: str
    predicted_label: str
    confidence: float
    probabilities: dict[str, float]
    pen_colour: str | None
    background_colour: str | None
    latency_ms: float
    request_id: str
    is_digit: bool | None = None
    label_set: tuple[str, ...] | None = None
    thumbnail: bytes | None = None
    drawing_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Prediction(Summary):
    """One drawing and what the model made of it.

    Attributes:
        drawing: The image file as it was sent (PNG, JPEG ...), at most `schema.MAX_DRAWING_BYTES`.
    """

    drawing: bytes

    @property
    def summary(self) -> Summary:
        """All of it but the drawing."""
        return Summary(**{field.name: getattr(self, field.name) for field in fields(Summary)})


@dataclass(frozen=True)
class Feedback(_Timed):
    """What a drawing really was, according to a person; of several for one prediction the latest counts.

    Attributes:
        prediction_id: The answer that was judged.
        true_label: The right label; None for the other kinds.
        created_at: With a time zone.
        session_id: Who says so, 1 to 200 characters.
        kind: "label", "not_a_digit", or "taken_back", after which the answer counts as not judged.
        network: A pseudonym of the network that it was said from, `schema.NETWORK_BYTES`; None where nobody
            knows it, or need know it.
    """

    prediction_id: UUID
    true_label: str | None
    created_at: datetime
    session_id: str
    kind: str = "label"
    network: bytes | None = None


@dataclass(frozen=True)
class Deletion(_Timed):
    """A person's wish that drawings of theirs are gone, with what was said about them.

    It takes its place among the other records, which are written in their order: so it also reaches what
    still waits to be written, and nothing that comes later.

    Attributes:
        session_id: Whose drawings they are; another session's are never deleted.
        created_at: With a time zone.
        prediction_id: Which drawing; None for all of the session's.
    """

    session_id: str
    created_at: datetime
    prediction_id: UUID | None = None


@dataclass(frozen=True)
class Superseded(_Timed):
    """Answers that count no longer: what was drawn was read anew, and has no such part any more.

    What was judged goes on counting until that is taken back, and so does what is another session's.

    Attributes:
        session_id: Whose answers they are.
        created_at: With a time zone.
        prediction_ids: Which.
    """

    session_id: str
    created_at: datetime
    prediction_ids: tuple[UUID, ...]


Record = Prediction | Feedback | Deletion | Superseded


@dataclass(frozen=True)
class HistoryRow:
    """A prediction with what its latest feedback says.

    Attributes:
        prediction: What the model made of the drawing.
        true_label: The right label; None where nobody named one.
        is_no_digit: Whether somebody said that the drawing is not a digit.
        is_replaced: Whether a later answer took its place, so that it counts only as long as it is judged.
    """

    prediction: Summary
    true_label: str | None
    is_no_digit: bool = False
    is_replaced: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether somebody said what the drawing is, and did not take it back."""
        return self.true_label is not None or self.is_no_digit

    @property
    def is_right(self) -> bool:
        """Whether the judged answer was right: the same label, or doubt where there was no digit."""
        if self.is_no_digit:
            return self.prediction.is_digit is False
        return self.true_label == self.prediction.predicted_label

    @property
    def is_in_set(self) -> bool:
        """Whether the right label is at least among those that the model left open."""
        return self.true_label is not None and self.true_label in (self.prediction.label_set or ())


@dataclass(frozen=True)
class Accuracy:
    """How many predictions were judged, and how many of those the latest feedback called right.

    Attributes:
        judged: How many predictions were judged.
        correct: How many of those the latest feedback called right.
        of_newest: Of how many newest predictions these are, where there are older ones; None: of all.
    """

    judged: int
    correct: int
    of_newest: int | None = None
