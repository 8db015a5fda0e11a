#!/usr/bin/env python3
"""What PyTorch needs to train the models of SMLT and MLLess on this machine: seconds per sample, one thread.

Prints a CSV: model, batch, millions of parameters, median processor seconds per sample of forward and backward passes
(no optimiser step), repetitions. The unit_s of those scenarios is this over their vcpu_ratio
(docs/calibration.md). Debian: python3-torch. Not part of the build or of any test.

    MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824 bench/pytorch_models.py > models.csv

ResNet-18 in its form for 32 x 32 images (no first pooling, stride 1), ResNet-50 at 224 x 224 (He et al. 2016);
BERT as its encoder alone, 6 and 12 layers of 768 for 128 tokens with the embedding of 30522 words; DQN's three
convolutions (Mnih et al. 2015); PMF as the gradient of a mini-batch of ratings with sparse embeddings, rank 20.
"""
import os
import statistics
import sys
import time

# Before torch is loaded: OpenBLAS has threads of its own, which torch.set_num_threads() does not reach.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
import torch
from torch import nn
import torch.nn.functional as F


def conv(cin, cout, kernel, stride=1):
    return nn.Sequential(nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout))


class Block(nn.Module):
    def __init__(self, cin, width, stride, bottleneck):
        super().__init__()
        cout = 4 * width if bottleneck else width
        if bottleneck:
            self.body = nn.Sequential(conv(cin, width, 1), nn.ReLU(), conv(width, width, 3, stride), nn.ReLU(),
                                      conv(width, cout, 1))
        else:
            self.body = nn.Sequential(conv(cin, width, 3, stride), nn.ReLU(), conv(width, cout, 3))
        self.skip = conv(cin, cout, 1, stride) if stride != 1 or cin != cout else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.skip(x))


def resnet(layers, bottleneck, small):
    stem = [conv(3, 64, 3), nn.ReLU()] if small else [conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks, cin = [], 64
    for i, n in enumerate(layers):
        for j in range(n):
            width = 64 << i
            blocks.append(Block(cin, width, 2 if i > 0 and j == 0 else 1, bottleneck))
            cin = 4 * width if bottleneck else width
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(cin, 10 if small else 1000))


def bert(layers):
    layer = nn.TransformerEncoderLayer(768, 12, 3072, activation="gelu", batch_first=True)
    return nn.Sequential(nn.Embedding(30522, 768), nn.TransformerEncoder(layer, layers))


def dqn():
    return nn.Sequential(nn.Conv2d(4, 32, 8, 4), nn.ReLU(), nn.Conv2d(32, 64, 4, 2), nn.ReLU(), nn.Conv2d(64, 64, 3),
                         nn.ReLU(), nn.Flatten(), nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 4))


class Pmf(nn.Module):
    def __init__(self, users, movies, rank=20):
        super().__init__()
        self.u = nn.Embedding(users, rank, sparse=True)
        self.v = nn.Embedding(movies, rank, sparse=True)

    def forward(self, pairs):
        return (self.u(pairs[:, 0]) * self.v(pairs[:, 1])).sum(1)


def ratings(users, movies, n):
    return torch.stack([torch.randint(users, (n,)), torch.randint(movies, (n,))], 1)


MODELS = [
    ("resnet-18", 16, lambda: resnet([2, 2, 2, 2], False, True), lambda n: torch.rand(n, 3, 32, 32)),
    ("resnet-50", 4, lambda: resnet([3, 4, 6, 3], True, False), lambda n: torch.rand(n, 3, 224, 224)),
    ("bert-small", 4, lambda: bert(6), lambda n: torch.randint(30522, (n, 128))),
    ("bert-medium", 4, lambda: bert(12), lambda n: torch.randint(30522, (n, 128))),
    ("atari-breakout", 32, dqn, lambda n: torch.rand(n, 4, 84, 84)),
    ("pmf-ml-10m", 6250, lambda: Pmf(71567, 10681), lambda n: ratings(71567, 10681, n)),
    ("pmf-ml-20m", 12000, lambda: Pmf(138493, 27278), lambda n: ratings(138493, 27278, n)),
]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print("model,batch,parameters_million,seconds_per_sample,repetitions")
    for name, batch, make, draw in MODELS:
        model, x, taken, start = make(), draw(batch), [], time.time()
        while len(taken) < 6 or (len(taken) < 51 and time.time() - start < 8.0):
            model.zero_grad(set_to_none=True)
            began = time.process_time()
            model(x).square().mean().backward()
            taken.append(time.process_time() - began)
        taken = taken[1:]  # the first one warms up
        parameters = sum(p.numel() for p in model.parameters()) / 1e6
        print(f"{name},{batch},{parameters:.4g},{statistics.median(taken) / batch:.6g},{len(taken)}")
        sys.stdout.flush()


main()
