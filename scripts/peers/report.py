"""How the comparisons are told: a line for each as it comes, and a table in Markdown at the end."""

HEADER = (
    f"{'case':<11} {'peer':<15} {'ours':>8} {'peer':>8}  {'ratio (min-median-max)':<22} {'RSS ours':>9} {'peer':>9}"
)


def gibibytes(count):
    return f"{count / 2**30:.2f} GiB"


def ratio_text(ratio):
    return " – ".join(f"{ratio[key]:.2f}" for key in ("min", "median", "max"))


def line(row):
    speed, memory = row["songs_per_second"], row["peak_rss_bytes"]
    sizes = f"{gibibytes(memory['ours']):>9} {gibibytes(memory['peer']):>9}"
    return (
        f"{row['case']:<11} {row['peer']:<15} {speed['ours']:>8.1f} {speed['peer']:>8.1f}  "
        f"{ratio_text(row['ratio']):<22} {sizes}  {row['variant']}"
    ).rstrip()


def markdown(steps, reading):
    """The rows as Markdown, a table for each kind of comparison."""
    lines = []
    if steps:
        lines += [
            "| case | against | ours, songs/s | peer, songs/s | ratio (min – median – max) | memory, ours, peer |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for row in steps:
            speed, memory = row["songs_per_second"], row["peak_rss_bytes"]
            against = row["title"] + (f" ({row['variant']})" if row["variant"] else "")
            if row["ranks"] > 1 and row["peer"] != "one-rank":
                against += f", {row['ranks']} processes × {row['threads_per_rank']} thread"
            lines.append(
                f"| {row['case']} | {against} | {speed['ours']:.1f} | {speed['peer']:.1f} | {ratio_text(row['ratio'])} "
                f"| {gibibytes(memory['ours'])}, {gibibytes(memory['peer'])} |"
            )
    if reading:
        lines += [
            "",
            "| reading, one rank, against | ours, tracks/s | peer, tracks/s | ratio (min – median – max) |",
            "| --- | --- | --- | --- |",
        ]
        for row in reading:
            speed = row["tracks_per_second"]
            lines.append(
                f"| {row['peer']} | {speed['ours']:.0f} | {speed['peer']:.0f} | {ratio_text(row['ratio'])} |"
            )
    return "\n".join(lines).strip()
