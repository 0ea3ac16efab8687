"""What a database is made of, in PostgreSQL's own words."""

from sqlalchemy import text

from db import engine as database

# Everything that makes a table what it is, as PostgreSQL itself words it.
DESCRIPTION = """
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    UNION ALL
    SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || proname || ' ' || regexp_replace(prosrc, '\\s+', ' ', 'g') FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type, is_nullable,
                     column_default, identity_generation)
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
    ORDER BY 1
"""


def described(url):
    engine = database.create(url)
    with engine.connect() as connection:
        lines = list(connection.scalars(text(DESCRIPTION)))
    engine.dispose()
    return lines
