"""Draws a run's result files with pandas and matplotlib: the picture of the README.

    python3 docs/plot.py results/zone-outage/default/seed-1 docs/images/zone-outage.png
"""
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd

folder, image = sys.argv[1:3]
cluster = pd.read_csv(f"{folder}/cluster.csv")
availability = pd.read_csv(f"{folder}/availability.csv")
recoveries = pd.read_csv(f"{folder}/recoveries.csv")

figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 5.2), sharex=True, layout="constrained")
end = cluster.time_s.iloc[-1]
for name, rows in availability.groupby("name", sort=False):
    # A row stands for the time until the next one; the last lasts to the end.
    times = pd.concat([rows.time_s, pd.Series([end])]) / 60
    top.step(times, pd.concat([rows.available, rows.available.tail(1)]), where="post", label=name)
top.set_ylabel("available replicas")
top.legend(ncols=5, fontsize=8, loc="lower right")
bottom.step(cluster.time_s / 60, cluster.nodes_ready, where="post", color="tab:green", label="nodes Ready")
bottom.step(cluster.time_s / 60, cluster.pods_terminating, where="post", color="tab:red", label="pods terminating")
bottom.set_ylabel("count")
bottom.set_xlabel("simulated minutes")
bottom.legend(fontsize=8, loc="center right")
for failure in recoveries.itertuples():
    for axis in (top, bottom):
        axis.axvspan(failure.failed_s / 60, failure.returned_s / 60, color="tab:gray", alpha=0.12)
        for moment in (failure.detected_s, failure.evicted_s, failure.recovered_s):
            axis.axvline(moment / 60, color="tab:gray", linewidth=0.8, linestyle=":")
    top.set_title(f"{failure.subject} is lost (grey); dotted: all nodes NotReady, last eviction, whole again", fontsize=10)
figure.savefig(image, dpi=110)
