"""A small neural network, trained with optax: signal and background in two variables.

    python examples/06_training.py
    python examples/06_training.py --steps 1000

Network, loss and gradient are one kernel, written for one event: the mean over the batch, and with it the sums that
the gradient needs, are `sh.batch_mean`. The parameters are a NamedTuple, so that the gradient is one too, which is what
optax calls a pytree.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.console import Console

import symhep as sh

HIDDEN = 16
console = Console()


class Network(NamedTuple):
    """Two inputs, one hidden layer with tanh, one output: the logarithm of signal/background."""

    weights: sh.Matrix[HIDDEN, 2]
    biases: sh.Vector[HIDDEN]
    out: sh.Vector[HIDDEN]
    out_bias: sh.Scalar


@sh.kernel(parameters=("network",))
def score(x: sh.Vector[2], network: Network):
    """The network's output: above 0 for what looks like signal."""
    return network.out @ np.tanh(network.weights @ x + network.biases) + network.out_bias


@sh.kernel(parameters=("network",))
def loss(x: sh.Vector[2], label, network: Network):
    """Mean cross-entropy of labels 0 and 1, log(1 + exp(score)) - label * score, without overflow."""
    z = score(x, network)
    return sh.batch_mean(np.logaddexp(z, 0) - label * z)


def generate(events, seed):
    """Signal in a ring around background, half of each: x (events, 2) and labels."""
    rng = np.random.default_rng(seed)
    label = (np.arange(events) % 2).astype(np.float64)
    radius = np.where(label == 1, rng.normal(2.0, 0.4, events), np.abs(rng.normal(0.0, 0.9, events)))
    angle = rng.uniform(-np.pi, np.pi, events)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label


def random_network(seed):
    """Small random weights (Glorot: variance 2/(inputs + outputs)), no biases."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, np.sqrt(2 / (HIDDEN + 2)), (HIDDEN, 2))
    return Network(weights, np.zeros(HIDDEN), rng.normal(0, np.sqrt(2 / (HIDDEN + 1)), HIDDEN), np.float64(0))


def accuracy(z, label):
    """Fraction of events on the right side of 0."""
    return np.mean((z > 0) == (label == 1))


def area_under_curve(z, label):
    """Area under the ROC curve: how often a signal event has a larger score than a background event."""
    ranks = np.empty(len(z))
    ranks[np.argsort(z)] = np.arange(1, len(z) + 1)
    signal = np.count_nonzero(label)
    return (ranks[label == 1].sum() - signal * (signal + 1) / 2) / (signal * (len(z) - signal))


def train(x, label, steps, rate, seed):
    """Adam on all events at once; the trained network and the loss at every step."""
    import jax
    import optax

    # Kernels take arrays of JAX too, and work inside jit. Then the whole step can be one function under jax.jit, with
    # jax.value_and_grad(lambda network: loss(x, label, network)) in place of `descend`. Here the kernel runs on NumPy.
    jax.config.update("jax_enable_x64", True)
    descend = sh.value_and_grad(loss, "network")
    network, optimiser = random_network(seed), optax.adam(rate)
    state, update = optimiser.init(network), jax.jit(optimiser.update)
    losses = []
    for step in range(steps):
        value, gradient = descend(x, label, network)
        losses.append(value)
        changes, state = update(gradient, state)
        network = Network(*[old + np.asarray(change) for old, change in zip(network, changes)])
        if step % max(steps // 10, 1) == 0:
            console.print(f"step {step:5d}  loss {value:.4f}", highlight=False)
    return network, losses


def draw(network, x, label, path):
    """Events, and the line that the network draws between them, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
    grid = np.linspace(-4, 4, 200)
    plane = np.stack(np.meshgrid(grid, grid), axis=-1)
    axes.contour(grid, grid, score(plane, network), levels=[0], colors="black")
    for value, name in ((0, "background"), (1, "signal")):
        axes.plot(*x[label == value][:1000].T, ".", markersize=3, label=name)
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(
    events: Annotated[int, typer.Option(min=100, help="events to train with, and to test with")] = 20_000,
    steps: Annotated[int, typer.Option(min=1, help="steps of Adam")] = 400,
    rate: Annotated[float, typer.Option(help="learning rate")] = 0.03,
    seed: Annotated[int, typer.Option(help="seed of the events and of the first weights")] = 1,
    plot: Annotated[Path | None, typer.Option(help="PNG to write")] = None,
):
    """Train, print the loss as it goes down, test on other events."""
    network, losses = train(*generate(events, seed), steps, rate, seed)
    x, label = generate(events, seed + 1)
    z = score(x, network)
    console.print(f"loss {losses[0]:.4f} -> {loss(x, label, network):.4f} on events not trained with", highlight=False)
    console.print(f"accuracy {accuracy(z, label):.4f}", highlight=False)
    console.print(f"area under the ROC curve {area_under_curve(z, label):.4f}", highlight=False)
    if plot:
        draw(network, x, label, plot)
        console.print(f"wrote {plot}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
