#!/usr/bin/env bash
# Usage: run_target.sh PROGRAM SEED-FOLDER DICTIONARY FOLDER
#
# Runs one libFuzzer program for SLUICE_FUZZ_SECONDS (60). What it finds interesting is kept in
# FOLDER/corpus, so that the next run begins where this one ended; an input that fails is left in
# FOLDER and shown.
set -euo pipefail

program=$1 seeds=$2 dictionary=$3 folder=$4
mkdir -p "$folder/corpus"
# The inputs are small on purpose: a rule that breaks does so within one or two kilobytes, and short
# inputs are tried more often.
exec "$program" -max_total_time="${SLUICE_FUZZ_SECONDS:-60}" -max_len=4096 -timeout=100 \
  -rss_limit_mb=2048 -print_final_stats=1 -dict="$dictionary" -artifact_prefix="$folder/" \
  "$folder/corpus" "$seeds"
