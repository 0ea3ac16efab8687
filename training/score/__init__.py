"""Label pictures by the million: the archive's own handler over folders, tars, Parquet files and lists."""
