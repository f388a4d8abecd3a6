"""The results as Markdown."""


def heading(document, with_peer):
    ranks, cores = document["ranks"], document["cores"]
    lines = [
        f"{document['place']}; {document['model']} network, {document['songs_per_rank']} songs a rank; crnn-dist by "
        f"`{document['measured']}`"
    ]
    if document["options"]:
        lines.append(f"crnn-dist with {' '.join(document['options'])}")
    if document["stream_bytes_per_second"]:
        lines.append(
            f"a plain connection carries {document['stream_bytes_per_second'] / 1e9:.3f} GB/s in each direction, both in use"
        )
    if with_peer and not document["computes_bf16"]:
        lines.append("this processor has no bf16 arithmetic: PyTorch emulates it, slowly, where asked to by --peer")
    if ranks > cores:
        lines.append(f"{ranks} ranks share {cores} cores: compare ratios, not speeds")
    return "\n".join(lines)


def ratio(values):
    return f"{values['median']:.2f} ({values['min']:.2f} – {values['max']:.2f})"


def speed(values):
    return f"{values['median']:.1f}"


def markdown(document):
    ranks = document["ranks"]
    lines = [
        "",
        f"| what | {ranks} ranks, songs/s | {ranks} runs apart, songs/s | ratio (min – max) | step | over the link "
        "| of the rate |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in document["results"]:
        both, single = row["songs_per_second"]["together"], row["songs_per_second"]["apart"]
        carried, share = row["bytes_a_step"], row["share_of_rate"]
        lines.append(
            f"| {row['title']} | {speed(both)} | {speed(single)} | {ratio(row['ratio'])} "
            f"| {row['step_seconds'] * 1e3:.0f} ms | {'–' if carried is None else f'{carried / 1e6:.2f} MB'} "
            f"| {'–' if share is None else f'{share:.0%}'} |"
        )
    if document["against_ddp"]:
        lines += ["", "| ours | against | songs/s over its (min – max) |", "| --- | --- | --- |"]
        for row in document["against_ddp"]:
            lines.append(f"| {row['ours']} | {row['peer']} | {ratio(row['ratio'])} |")
    return "\n".join(lines)


def verdict(row, wanted):
    """Whether a row of ours reaches the ratio wanted, in a line."""
    holds = row["ratio"]["median"] >= wanted
    return holds, f"{row['title']}: {row['ratio']['median']:.2f}, at least {wanted:g} wanted: " + (
        "holds" if holds else "does not hold"
    )
