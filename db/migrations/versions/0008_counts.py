"""What analytics are made of, kept by the database itself: counts a day, and what was said of an answer last.

Revision: 0008, after 0007. What is there already is counted here, in 5 s for a million rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# One row for each change that is not yet part of the counts: nobody waits for another's count, as they would
# if each change added to the same rows. db/counting.py adds them up.
NOTE_CHANGE = """
CREATE FUNCTION sketchserve_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND NOT OLD.is_superseded THEN
        INSERT INTO daily_changes VALUES (
            OLD.model_name, OLD.model_version, (OLD.created_at AT TIME ZONE 'UTC')::date, OLD.predicted_label,
            cardinality(OLD.label_set), OLD.is_digit, sketchserve_latency_step(OLD.latency_ms), -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NOT NEW.is_superseded THEN
        INSERT INTO daily_changes VALUES (
            NEW.model_name, NEW.model_version, (NEW.created_at AT TIME ZONE 'UTC')::date, NEW.predicted_label,
            cardinality(NEW.label_set), NEW.is_digit, sketchserve_latency_step(NEW.latency_ms), 1);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        UPDATE judgements SET is_superseded = NEW.is_superseded WHERE prediction_id = NEW.id;
    END IF;
    RETURN NULL;
END $$
"""
# Steps of 5 %, so that a percentile that is read from their counts is right to 2.5 %.
LATENCY_STEP = """
CREATE FUNCTION sketchserve_latency_step(latency_ms double precision) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(ln(greatest(latency_ms, 0.01::double precision)) / ln(1.05::double precision))::smallint
"""
FORGET_ALL = """
CREATE FUNCTION sketchserve_forget_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE daily_changes, daily_counts;
    RETURN NULL;
END $$
"""
JUDGEMENT = """
INSERT INTO judgements
SELECT p.id, f.id, f.kind, f.true_label, p.model_name, p.model_version, p.created_at, p.predicted_label,
       p.confidence, p.is_digit, f.true_label = ANY(p.label_set),
       CASE f.kind WHEN 'not_a_digit' THEN p.is_digit IS FALSE
                   ELSE f.true_label IS NOT DISTINCT FROM p.predicted_label END,
       p.is_superseded
"""
# By what arrived, since clocks go back; of two that write at once the later row wins, whoever comes first.
NOTE_JUDGEMENT = f"""
CREATE FUNCTION sketchserve_note_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {JUDGEMENT.strip()}
    FROM (SELECT NEW.*) f JOIN predictions p ON p.id = f.prediction_id
    ON CONFLICT (prediction_id) DO UPDATE SET
        feedback_id = excluded.feedback_id, kind = excluded.kind, true_label = excluded.true_label,
        is_in_set = excluded.is_in_set, is_right = excluded.is_right
    WHERE judgements.feedback_id < excluded.feedback_id;
    RETURN NULL;
END $$
"""
COUNT_WHAT_IS_THERE = """
INSERT INTO daily_counts
SELECT model_name, model_version, day, figure, value, count(*)
FROM (
    SELECT model_name, model_version, (created_at AT TIME ZONE 'UTC')::date AS day, predicted_label,
           coalesce(cardinality(label_set), 0)::text AS set_size,
           coalesce(is_digit::text, 'unknown') AS is_digit,
           sketchserve_latency_step(latency_ms)::text AS latency_step
    FROM predictions WHERE NOT is_superseded
) counted CROSS JOIN LATERAL (
    VALUES ('label', predicted_label), ('set_size', set_size), ('is_digit', is_digit),
           ('latency', latency_step)
) AS cells (figure, value)
GROUP BY 1, 2, 3, 4, 5
"""
JUDGE_WHAT_IS_THERE = f"""
{JUDGEMENT.strip()}
FROM (SELECT DISTINCT ON (prediction_id) * FROM feedback ORDER BY prediction_id, id DESC) f
JOIN predictions p ON p.id = f.prediction_id
"""  # noqa: S608 - our own words


def upgrade() -> None:
    op.create_table(
        "daily_counts",
        sa.Column("model_name", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("figure", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "daily_changes",
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("predicted_label", sa.Text, nullable=False),
        sa.Column("set_size", sa.Integer),
        sa.Column("is_digit", sa.Boolean),
        sa.Column("latency_step", sa.SmallInteger, nullable=False),
        sa.Column("change", sa.SmallInteger, nullable=False),
    )
    op.create_table(
        "judgements",
        sa.Column("prediction_id", sa.Uuid, primary_key=True),
        sa.Column(
            "feedback_id", sa.BigInteger, sa.ForeignKey("feedback.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("true_label", sa.Text),
        sa.Column("model_name", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("predicted_label", sa.Text, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("is_digit", sa.Boolean),
        sa.Column("is_in_set", sa.Boolean),
        sa.Column("is_right", sa.Boolean, nullable=False),
        sa.Column("is_superseded", sa.Boolean, nullable=False),
        sa.UniqueConstraint("feedback_id", name=op.f("judgements_feedback_id_key")),
    )
    op.create_index(
        "judgements_model_created_at_idx", "judgements", ["model_name", "model_version", "created_at"]
    )
    for statement in (LATENCY_STEP, NOTE_CHANGE, FORGET_ALL, NOTE_JUDGEMENT):
        op.execute(statement)
    # First the triggers, which let no other write until the end of this transaction; then what they missed.
    op.execute(
        "CREATE TRIGGER predictions_note_change AFTER INSERT OR DELETE OR UPDATE OF is_superseded,"
        " created_at, model_name, model_version, predicted_label, label_set, is_digit, latency_ms"
        " ON predictions FOR EACH ROW EXECUTE FUNCTION sketchserve_note_change()"
    )
    op.execute(
        "CREATE TRIGGER predictions_forget_counts AFTER TRUNCATE ON predictions"
        " EXECUTE FUNCTION sketchserve_forget_counts()"
    )
    op.execute(
        "CREATE TRIGGER feedback_note_judgement AFTER INSERT ON feedback"
        " FOR EACH ROW EXECUTE FUNCTION sketchserve_note_judgement()"
    )
    op.execute(COUNT_WHAT_IS_THERE)
    op.execute(JUDGE_WHAT_IS_THERE)
