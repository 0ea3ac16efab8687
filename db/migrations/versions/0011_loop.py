"""The loop's tables: runs, steps, the drawings that they took, reviews, versions, verdicts, what is served.

Revision: 0011, after 0010. Older code works beside them unchanged.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"

EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.create_table(
        "loop_runs",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("settings", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        _length("loop_runs", "model_name", 200),
        _length("loop_runs", "reason", 2000),
        _length("loop_runs", "asked_by", 200),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'refused', 'failed')",
            name=op.f("loop_runs_state_known_check"),
        ),
        sa.CheckConstraint("jsonb_typeof(settings) = 'object'", name=op.f("loop_runs_settings_object_check")),
        sa.CheckConstraint(
            "(state IN ('waiting', 'running')) = (ended_at IS NULL)",
            name=op.f("loop_runs_ended_when_over_check"),
        ),
    )
    op.create_index(
        "loop_runs_one_idx",
        "loop_runs",
        ["model_name"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_table(
        "loop_steps",
        sa.Column(
            "run_id", sa.BigInteger, sa.ForeignKey("loop_runs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("numbers", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("reason", sa.Text),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("beat_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        _length("loop_steps", "name", 50),
        _length("loop_steps", "reason", 2000),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'refused', 'failed')",
            name=op.f("loop_steps_state_known_check"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("loop_steps_attempts_range_check")),
        sa.CheckConstraint("jsonb_typeof(numbers) = 'object'", name=op.f("loop_steps_numbers_object_check")),
        sa.CheckConstraint(
            "state <> 'running' OR beat_at IS NOT NULL", name=op.f("loop_steps_beat_while_running_check")
        ),
    )
    op.create_table(
        "examples",
        sa.Column(
            "run_id", sa.BigInteger, sa.ForeignKey("loop_runs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column(
            "prediction_id", sa.Uuid, sa.ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("picture_sha256", sa.LargeBinary, nullable=False),
        _length("examples", "label", 200),
        sa.CheckConstraint("part IN ('train', 'gate')", name=op.f("examples_part_known_check")),
        sa.CheckConstraint(
            "octet_length(picture_sha256) = 32", name=op.f("examples_picture_sha256_length_check")
        ),
    )
    op.create_index("examples_picture_sha256_idx", "examples", ["picture_sha256"])
    op.create_index("examples_prediction_id_idx", "examples", ["prediction_id"])
    op.create_table(
        "reviews",
        sa.Column(
            "prediction_id", sa.Uuid, sa.ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("priority", sa.Double, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("decision", sa.Text),
        sa.Column("label", sa.Text),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.Column("decided_by", sa.Text),
        _length("reviews", "label", 200),
        _length("reviews", "decided_by", 200),
        sa.CheckConstraint(
            "why IN ('contradicted', 'improbable', 'untrusted', 'over_cap', 'informative')",
            name=op.f("reviews_why_known_check"),
        ),
        sa.CheckConstraint(
            "decision IN ('label', 'not_a_digit', 'skip')", name=op.f("reviews_decision_known_check")
        ),
        sa.CheckConstraint(
            "(decision IS NOT DISTINCT FROM 'label') = (label IS NOT NULL)",
            name=op.f("reviews_label_of_decision_check"),
        ),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_at IS NULL)", name=op.f("reviews_decided_when_check")
        ),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL)", name=op.f("reviews_decided_by_whom_check")
        ),
        sa.CheckConstraint(
            "priority < 'Infinity'::double precision", name=op.f("reviews_priority_range_check")
        ),
    )
    op.create_index(
        "reviews_decided_idx", "reviews", ["decided_at"], postgresql_where=sa.text("decision IS NOT NULL")
    )
    op.create_index(
        "reviews_open_idx",
        "reviews",
        [sa.text("priority DESC"), "prediction_id"],
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.create_table(
        "model_versions",
        sa.Column("model_name", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("archive_sha256", sa.Text, nullable=False),
        sa.Column("archive", sa.Text, nullable=False),
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("loop_runs.id", ondelete="SET NULL")),
        sa.Column("made_of", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        _length("model_versions", "model_name", 200),
        _length("model_versions", "model_version", 200),
        _length("model_versions", "archive", 200),
        sa.CheckConstraint(
            "archive_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("model_versions_archive_sha256_form_check")
        ),
        sa.CheckConstraint(
            "jsonb_typeof(made_of) = 'object'", name=op.f("model_versions_made_of_object_check")
        ),
    )
    op.create_table(
        "verdicts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("champion_version", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("checks", JSONB, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        _length("verdicts", "champion_version", 200),
        _length("verdicts", "reason", 2000),
        sa.CheckConstraint(
            "outcome IN ('passed', 'refused', 'not_enough_evidence')",
            name=op.f("verdicts_outcome_known_check"),
        ),
        sa.CheckConstraint("jsonb_typeof(checks) = 'array'", name=op.f("verdicts_checks_array_check")),
        sa.ForeignKeyConstraint(
            ["model_name", "model_version"],
            ["model_versions.model_name", "model_versions.model_version"],
            name=op.f("verdicts_model_name_fkey"),
            ondelete="CASCADE",
        ),
    )
    op.create_index("verdicts_of_version_idx", "verdicts", ["model_name", "model_version"])
    op.create_table(
        "serving",
        sa.Column("model_name", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("previous_version", sa.Text),
        sa.Column("candidate_version", sa.Text),
        sa.Column("candidate_share", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("failed_looks", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        _length("serving", "model_name", 200),
        _length("serving", "model_version", 200),
        _length("serving", "previous_version", 200),
        _length("serving", "candidate_version", 200),
        _length("serving", "reason", 2000),
        sa.CheckConstraint(
            "candidate_share IN (0, 5, 25, 100)", name=op.f("serving_candidate_share_known_check")
        ),
        sa.CheckConstraint(
            "candidate_version IS NOT NULL OR candidate_share = 0",
            name=op.f("serving_share_of_candidate_check"),
        ),
        sa.CheckConstraint("failed_looks >= 0", name=op.f("serving_failed_looks_range_check")),
    )
    op.create_table(
        "looks",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("share", sa.SmallInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("numbers", JSONB, nullable=False, server_default=EMPTY),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        _length("looks", "model_name", 200),
        _length("looks", "model_version", 200),
        _length("looks", "reason", 2000),
        sa.CheckConstraint("share IN (0, 5, 25, 100)", name=op.f("looks_share_known_check")),
        sa.CheckConstraint(
            "outcome IN ('too_few', 'held', 'moved_on', 'failed')", name=op.f("looks_outcome_known_check")
        ),
        sa.CheckConstraint("jsonb_typeof(numbers) = 'object'", name=op.f("looks_numbers_object_check")),
    )
    op.create_index("looks_of_version_idx", "looks", ["model_name", "model_version", "id"])


def _length(table: str, column: str, longest: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"btrim({column}) <> '' AND char_length({column}) <= {longest}",
        name=op.f(f"{table}_{column}_length_check"),
    )
