"""PostgreSQL: the schema and its migrations, the prediction log, and the embedded server for local runs."""
