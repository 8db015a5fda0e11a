#!/usr/bin/env python3
"""What PyTorch needs for the same meta-learning tasks on this machine, one thread.

Prints a CSV: algorithm, dataset, hidden, shots, steps, layout, median of the task's CPU seconds and wall seconds,
repetitions. Run it beside `faascast calibrate` on the same host; the quotient of the two is the framework_ratio of
a scenario (docs/calibration.md). Debian: python3-torch. Not part of the build or of any test.

    export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824
    bench/pytorch_tasks.py > pytorch.csv
    ATEN_CPU_CAPABILITY=avx512 bench/pytorch_tasks.py --channels-last > pytorch_channels_last.csv
    bench/pytorch_tasks.py --datasets fc100 --seconds 1     # a part of it, each figure from a second of work

The tasks are those of the kernel: CONV4 with batch statistics, 5 ways, 15 queries a class, inner loop, query
loss and its backward pass, no outer step, random data, float32. MAML keeps the graph of the inner loop (exact
second order); ANIL adapts the head on features of one joint batch; ALFA learns theta as well (the time is the
same when it is fixed); eALFA adapts the head on features computed once, without gradient.
"""
import argparse
import itertools
import os
import statistics
import sys
import time

# Before torch is loaded: torch.set_num_threads() does not reach OpenBLAS, which computes the double backward of
# convolutions with threads of its own.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
import torch
import torch.nn.functional as F

DATASETS = {"omniglot": (1, 28, False), "fc100": (3, 32, True), "mini-imagenet": (3, 84, True)}
WAYS, QUERIES = 5, 15


def parameters(channels, size, pool, hidden):
    theta, c, h = [], channels, size
    for _ in range(4):
        w = torch.empty(hidden, c, 3, 3)
        torch.nn.init.xavier_uniform_(w)
        theta += [w, torch.zeros(hidden), torch.rand(hidden), torch.zeros(hidden)]
        c, h = hidden, (h // 2 if pool else (h - 1) // 2 + 1)
    features = hidden * h * h if pool else hidden
    w = torch.empty(WAYS, features)
    torch.nn.init.xavier_uniform_(w)
    return [t.requires_grad_() for t in theta + [w, torch.zeros(WAYS)]]


def features(theta, x, pool):
    for i in range(0, 16, 4):
        x = F.conv2d(x, theta[i], theta[i + 1], stride=1 if pool else 2, padding=1)
        x = F.relu(F.batch_norm(x, None, None, theta[i + 2], theta[i + 3], training=True))
        x = F.max_pool2d(x, 2) if pool else x
    return x.flatten(1) if pool else x.mean((2, 3))


def loss(theta, x, y, pool):
    return F.cross_entropy(F.linear(features(theta, x, pool), theta[16], theta[17]), y)


def maml(theta, task, steps, pool, second):
    xs, ys, xq, yq = task
    fast = theta
    for _ in range(steps):
        grads = torch.autograd.grad(loss(fast, xs, ys, pool), fast, create_graph=second)
        fast = [p - 0.01 * g for p, g in zip(fast, grads)]
    return torch.autograd.grad(loss(fast, xq, yq, pool), theta)


def anil(theta, task, steps, pool):
    xs, ys, xq, yq = task
    f = features(theta, torch.cat([xs, xq]), pool)
    fs, fq = f[: len(xs)], f[len(xs):]
    w, b = theta[16], theta[17]
    for _ in range(steps):
        gw, gb = torch.autograd.grad(F.cross_entropy(F.linear(fs, w, b), ys), (w, b), create_graph=True)
        w, b = w - 0.1 * gw, b - 0.1 * gb
    return torch.autograd.grad(F.cross_entropy(F.linear(fq, w, b), yq), theta)


def generator(n):
    g = [torch.randn(n, n) * 0.3, torch.zeros(n), torch.randn(n, n) * 0.3, torch.zeros(n)]
    return [t.requires_grad_() for t in g]


def rates(phi, weights, grads):
    e = torch.stack([p.mean() for p in weights] + [g.detach().mean() for g in grads])
    return F.linear(F.relu(F.linear(e, phi[0], phi[1])), phi[2], phi[3])


def alfa(theta, phi, task, steps, pool):
    xs, ys, xq, yq = task
    inner = [i for i in range(18) if i >= 16 or i % 4 < 2]  # batch norm does not adapt
    fast = list(theta)
    for _ in range(steps):
        weights = [fast[i] for i in inner]
        grads = torch.autograd.grad(loss(fast, xs, ys, pool), weights, create_graph=True)
        o = rates(phi, weights, grads)
        for k, i in enumerate(inner):
            fast[i] = (1 - 0.000005 * o[len(inner) + k]) * fast[i] - 0.01 * o[k] * grads[k]
    return torch.autograd.grad(loss(fast, xq, yq, pool), theta + phi, allow_unused=True)


def ealfa(theta, phi, task, steps, pool):
    xs, ys, xq, yq = task
    with torch.no_grad():
        fs, fq = features(theta, xs, pool), features(theta, xq, pool)
    weights = [theta[16], theta[17]]
    for _ in range(steps):
        grads = torch.autograd.grad(F.cross_entropy(F.linear(fs, *weights), ys), weights, create_graph=True)
        o = rates(phi, weights, grads)
        weights = [(1 - 0.000005 * o[2 + k]) * weights[k] - 0.01 * o[k] * grads[k] for k in range(2)]
    return torch.autograd.grad(F.cross_entropy(F.linear(fq, *weights), yq), phi)


def once(algorithm, theta, phi, task, steps, pool):
    if algorithm in ("maml", "fomaml"):
        return maml(theta, task, steps, pool, algorithm == "maml")
    if algorithm == "anil":
        return anil(theta, task, steps, pool)
    return (alfa if algorithm == "alfa" else ealfa)(theta, phi, task, steps, pool)


def options():
    words = lambda text: text.split(",")
    numbers = lambda text: [int(n) for n in text.split(",")]
    p = argparse.ArgumentParser(description="Times PyTorch on the tasks of faascast calibrate, one thread.")
    p.add_argument("--datasets", type=words, default=list(DATASETS), help="names with commas between")
    p.add_argument("--hidden", type=numbers, default=[32, 64], help="channels of a block")
    p.add_argument("--shots", type=numbers, default=[1, 5])
    p.add_argument("--steps", type=numbers, default=[1, 5])
    p.add_argument("--algorithms", type=words, default=["maml", "fomaml", "anil", "alfa", "ealfa"])
    p.add_argument("--seconds", type=float, default=4.0, help="longest time for one kind of task, unless 3 take longer")
    p.add_argument("--channels-last", action="store_true", help="images and weights as NHWC")
    return p.parse_args()


def main():
    o = options()
    layout = torch.channels_last if o.channels_last else torch.contiguous_format
    torch.set_num_threads(1)
    torch.manual_seed(1)
    print("algorithm,dataset,hidden,shots,steps,layout,cpu_s,wall_s,repetitions")
    for dataset, hidden, shots, steps in itertools.product(o.datasets, o.hidden, o.shots, o.steps):
        channels, size, pool = DATASETS[dataset]
        theta = parameters(channels, size, pool, hidden)
        theta = [t.detach().to(memory_format=layout).requires_grad_() if t.dim() == 4 else t for t in theta]
        images = [torch.rand(WAYS * k, channels, size, size).to(memory_format=layout) for k in (shots, QUERIES)]
        labels = [torch.arange(WAYS).repeat_interleave(k) for k in (shots, QUERIES)]
        task = (images[0], labels[0], images[1], labels[1])
        for algorithm in o.algorithms:
            phi = generator(20 if algorithm == "alfa" else 4)
            cpu, wall, start = [], [], time.time()
            while len(cpu) < 4 or (len(cpu) < 26 and time.time() - start < o.seconds):
                c, w = time.process_time(), time.time()
                once(algorithm, theta, phi, task, steps, pool)
                cpu.append(time.process_time() - c)
                wall.append(time.time() - w)
            cpu, wall = cpu[1:], wall[1:]  # the first one warms up
            print(f"{algorithm},{dataset},{hidden},{shots},{steps},"
                  f"{'channels_last' if o.channels_last else 'default'},"
                  f"{statistics.median(cpu):.6g},{statistics.median(wall):.6g},{len(cpu)}")
            sys.stdout.flush()


main()
