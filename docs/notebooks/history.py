# %% [markdown]
# # History in a notebook
#
# Two ways to Tidewatch's history, both with [polars](https://pola.rs):
#
# 1. **an export**, made by `tidewatch export` or `GET /api/v1/exports/...`: every reading with id,
#    unit and quality flag, also what has not moved to the archive yet;
# 2. **the archive's files themselves**, `DATA/archive/YYYY-MM-DD/*.parquet`: no server needed, and
#    the fastest way to a whole year. Hours of the last days, and readings that came late, are still
#    in the journal and not in these files.
#
# Run it cell by cell, or as a program:
#
#     pip install polars
#     python history.py --export tide.parquet --archive data/archive

# %%
import argparse
import json
from pathlib import Path

import polars as pl

# QARTOD flags: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing.
FAIL = 4


# %% [markdown]
# ## An export
#
# The format follows the name. CSV and NDJSON have times at `+08:00`; all are read as instants. A file
# that ended at its limit says so, and is refused here rather than taken for the whole.


# %%
def read_export(path: Path) -> pl.DataFrame:
    match path.suffix:
        case ".parquet":
            metadata = pl.read_parquet_metadata(path)
            if "tidewatch.truncated" in metadata:
                raise SystemExit(f"{path} ended at its limit: it is not the whole range")
            return pl.read_parquet(path)
        case ".csv":
            # A quality test's name or a missing `since` may not be in the first rows.
            frame = pl.read_csv(path, infer_schema=False)
        case ".ndjson":
            frame = pl.read_ndjson(path, infer_schema_length=None)
        case other:
            raise SystemExit(f"{path}: `{other}` is none of .parquet, .csv, .ndjson")
    if frame.height and str(frame[-1, 0]).startswith("#truncated") or "truncated" in frame.columns:
        raise SystemExit(f"{path} ended at its limit: it is not the whole range")
    return frame.with_columns(
        pl.col("time", "since", "received")
        .cast(pl.String)
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.3f%:z", time_unit="ms", time_zone="UTC"),
        pl.col("value").cast(pl.Float64),
        pl.col("quality", "commit").cast(pl.Int64),
    )


# %% [markdown]
# ## The archive
#
# One folder a day (UTC), files `HH.<generation>.parquet` and, once a day is settled, one
# `day.<generation>.parquet`. A file is never changed: a later generation takes the place of an earlier
# one, which is removed ten minutes later. `datastreams.parquet` has the names of the keys. `quality`
# holds the flag in its low four bits; `received_after` is in milliseconds; the commit number is the
# cumulative sum of `commit_step` within a datastream of one file.


# %%
def read_archive(archive: Path) -> pl.DataFrame:
    names = pl.read_parquet(archive / "datastreams.parquet")
    frames = [
        pl.read_parquet(file).with_columns(
            pl.col("commit_step").cum_sum().over("datastream").alias("commit"),
            pl.lit(int(file.name.split(".")[1]), dtype=pl.Int64).alias("generation"),
        )
        for file in sorted(archive.glob("????-??-??/*.parquet"))
    ]
    if not frames:
        raise SystemExit(f"{archive} holds no day yet")
    rows = (
        pl.concat(frames)
        .sort("datastream", "time", "generation")
        .unique(subset=["datastream", "time"], keep="last", maintain_order=True)
    )
    local = pl.col("property") + pl.when(pl.col("channel").is_null()).then(pl.lit("")).otherwise(
        pl.lit(":") + pl.col("channel")
    )
    names = names.with_columns((pl.col("thing") + "/" + local).alias("id"))
    return rows.join(names, left_on="datastream", right_on="key").select(
        pl.col("id").alias("datastream"),
        "time",
        "value",
        (pl.col("quality").cast(pl.Int64) & 15).alias("quality"),
        "since",
        (pl.col("time") + pl.duration(milliseconds=pl.col("received_after"))).alias("received"),
        "commit",
    )


# %% [markdown]
# ## What to do with it
#
# Hourly means of what did not fail, with days as they are in Xiangshan.


# %%
def hourly(frame: pl.DataFrame) -> pl.DataFrame:
    return (
        frame.filter(pl.col("quality") != FAIL)
        .with_columns(pl.col("time").dt.convert_time_zone("Asia/Shanghai"))
        .sort("datastream", "time")
        .group_by_dynamic("time", every="1h", group_by="datastream")
        .agg(
            pl.col("value").mean().alias("mean"),
            pl.col("value").min().alias("min"),
            pl.col("value").max().alias("max"),
            pl.len().alias("n"),
        )
    )


# %%
def main() -> None:
    arguments = argparse.ArgumentParser(description="Hourly values from exports and the archive")
    arguments.add_argument("--export", type=Path, action="append", default=[], metavar="FILE")
    arguments.add_argument("--archive", type=Path, metavar="DIR")
    given = arguments.parse_args()
    if not given.export and given.archive is None:
        arguments.error("name a file with --export or a folder with --archive")
    sources = [(str(path), read_export(path)) for path in given.export]
    if given.archive is not None:
        sources.append((str(given.archive), read_archive(given.archive)))
    for name, frame in sources:
        hours = hourly(frame)
        summary = {
            "source": name,
            "rows": frame.height,
            "datastreams": sorted(frame["datastream"].unique().to_list()),
            "hours": hours.height,
            "mean": hours["mean"].to_list()[:24],
            "commits": frame["commit"].to_list()[:24],
        }
        print(json.dumps(summary, ensure_ascii=False))


if __name__ == "__main__":
    main()
