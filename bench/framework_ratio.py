#!/usr/bin/env python3
"""The framework_ratio of the shipped scenarios, from what PyTorch and the kernel needed for the same tasks on the same
host in three sessions (data/framework_ratio_epyc_zen5_avx2.csv): for each data set and algorithm the geometric mean
over the shots, of the three sessions the middle one. Prints the tables of docs/calibration.md, and below each how much
the sessions differ: the standard deviation of the logarithm of a ratio from session to session, pooled over the table.

    bench/framework_ratio.py
"""
import csv
import math
import pathlib
import statistics

ALGORITHMS = ["maml", "anil", "alfa", "ealfa"]
ratios, tasks = {}, {}
with open(pathlib.Path(__file__).parent / "data/framework_ratio_epyc_zen5_avx2.csv", newline="") as file:
    for row in csv.DictReader(file):
        task = f"{row['dataset']}, F = {row['hidden']}, {row['shots']}-shot, T = {row['steps']}"
        ratio = float(row["pytorch_s"]) / float(row["kernel_s"])
        tasks.setdefault(task, {}).setdefault(row["algorithm"], []).append(ratio)
        sessions = ratios.setdefault(row["dataset"], {}).setdefault(row["algorithm"], {})
        sessions.setdefault(row["session"], []).append(math.log(ratio))
for name, table in [("task", tasks), ("data set", ratios)]:
    print(f"| {name} | MAML | ANIL | ALFA | eALFA |\n|---|---|---|---|---|")
    variances = []
    for label, of in table.items():
        cells = []
        for algorithm in ALGORITHMS:
            values = of[algorithm]
            if isinstance(values, dict):
                values = [math.exp(statistics.fmean(v)) for v in values.values()]
            variances.append(statistics.variance(map(math.log, values)))
            cells.append(f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})")
        print(f"| {label} | " + " | ".join(cells) + " |")
    cv = math.sqrt(math.expm1(statistics.fmean(variances)))
    print(f"between sessions: cv {cv:.3f}, from {len(variances)} ratios of three sessions\n")
