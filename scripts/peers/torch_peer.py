"""PyTorch: seconds of a training step, on one process or as one rank of DistributedDataParallel over gloo."""

import argparse
import contextlib
import socket

import torch
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn import functional as F

from networks import SONG_UNITS, SONG_VALUES, TAGS, TERMS, measure, shape_of, tell


class Network(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape, units = shape, shape.units
        self.input_normalization = nn.BatchNorm1d(
            shape.columns + 2 * shape.zeros if shape.normalizes_time else shape.rows
        )
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 3, padding=1) for inputs, outputs in zip((1, *shape.filters), shape.filters)
        )
        self.normalizations = nn.ModuleList(nn.BatchNorm2d(channels) for channels in shape.filters)
        # PyTorch's GRU resets after the product; the other form, of nearly as many operations, it does not have.
        self.first = nn.GRU(shape.filters[-1], units, batch_first=True)
        self.second = nn.GRU(units, units, batch_first=True)
        self.tags = nn.Linear(units, TAGS)

    def forward(self, songs):
        x = F.pad(songs, (self.shape.zeros, self.shape.zeros))
        if self.shape.normalizes_time:
            x = self.input_normalization(x.transpose(1, 2)).transpose(1, 2)[:, None]
        else:
            x = self.input_normalization(x)[:, None]
        for convolution, normalization, window in zip(self.convolutions, self.normalizations, self.shape.pooling):
            x = F.dropout(F.max_pool2d(F.elu(normalization(convolution(x))), window), 0.1, self.training)
        x = self.first(x[:, :, 0].transpose(1, 2))[0]
        x = self.second(x)[0][:, -1]
        return self.tags(F.dropout(x, 0.3, self.training))

    def songs(self, count):
        """What a batch of songs is made of, by chance."""
        return torch.randint(0, 1001, (count, self.shape.rows, self.shape.columns)) / 1000

    def targets(self, count):
        return (torch.rand(count, TAGS) < 0.1).float()

    def loss(self, logits, labels):
        return F.binary_cross_entropy_with_logits(logits.float(), labels)

    def optimizer(self):
        return torch.optim.Adam(self.parameters(), fused=True)


class SongNetwork(nn.Module):
    """The network of configs/recommended.yaml, of what is known of a whole song."""

    def __init__(self):
        super().__init__()
        widths = (SONG_VALUES, *SONG_UNITS)
        self.dense = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in zip(widths, SONG_UNITS))
        self.normalizations = nn.ModuleList(nn.BatchNorm1d(units) for units in SONG_UNITS)
        self.tags = nn.Linear(SONG_UNITS[-1], TAGS)
        self.terms = nn.Linear(SONG_UNITS[-1], TERMS)

    def forward(self, songs):
        x = F.dropout(songs, 0.2, self.training)
        for dense, normalization in zip(self.dense, self.normalizations):
            x = F.dropout(F.relu(normalization(dense(x))), 0.5, self.training)
        return self.tags(x), self.terms(x)

    def songs(self, count):
        return torch.randn(count, SONG_VALUES)

    def targets(self, count):
        return (torch.rand(count, TAGS) < 0.1).float(), torch.rand(count, TERMS)

    def loss(self, logits, labels):
        tags, terms = (F.binary_cross_entropy_with_logits(own.float(), label) for own, label in zip(logits, labels))
        return tags + 3 * terms

    def optimizer(self):
        return torch.optim.AdamW(self.parameters(), weight_decay=0.05, fused=True)


def send_as_bf16(state, bucket):
    """PyTorch's own hook under another name. DistributedDataParallel lets the hook through for NCCL only, going by its name;
    gloo adds bf16 all the same."""
    return default_hooks.bf16_compress_hook(state, bucket)


def run(rank, options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    local = options.batch // options.processes
    network = model = SongNetwork() if options.case == "recommended" else Network(shape_of(options.case))
    if options.channels_last:
        model = model.to(memory_format=torch.channels_last)
    if options.processes > 1:
        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://{options.meeting}", rank=rank, world_size=options.processes
        )
        model = nn.parallel.DistributedDataParallel(
            model, gradient_as_bucket_view=True, broadcast_buffers=False, static_graph=True
        )
        if options.send_bf16:
            model.register_comm_hook(None, send_as_bf16)
    if options.compile:
        model = torch.compile(model)
    optimizer, songs, labels = network.optimizer(), network.songs(local), network.targets(local)
    precision = torch.autocast("cpu", torch.bfloat16) if options.bf16 else contextlib.nullcontext()

    def step():
        optimizer.zero_grad(set_to_none=True)
        with precision:
            logits = model(songs)
        network.loss(logits, labels).backward()
        optimizer.step()

    seconds = measure(step, options.steps, options.warm_up)
    if rank == 0:
        tell(options.batch, seconds, torch=torch.__version__)
    if options.processes > 1:
        torch.distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--send-bf16", action="store_true", help="gradients are sent as bf16 between the processes")
    parser.add_argument("--rank", type=int, help="be this one of the processes, the others being started elsewhere")
    parser.add_argument("--meeting", metavar="ADDRESS:PORT", help="with --rank: where rank 0 waits for the others")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, which needs a C++ compiler")
    options = parser.parse_args()
    if options.processes == 1:
        run(0, options)
    elif options.rank is not None:
        run(options.rank, options)
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            options.meeting = f"127.0.0.1:{probe.getsockname()[1]}"
        torch.multiprocessing.spawn(run, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
