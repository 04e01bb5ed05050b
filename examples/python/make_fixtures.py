"""Writes the PyTorch files that the tests of `ebm import` read, with the energies that PyTorch computes in f64.

    python make_fixtures.py ../../tests/fixtures
"""

import json
import pathlib
import sys

import torch
from torch import nn


def filled(shape, scale, start):
    """Numbers without a generator: the same in every version of PyTorch."""
    count = torch.Size(shape).numel()
    return (scale * torch.sin(1.7 * torch.arange(count, dtype=torch.float64) + start)).reshape(shape)


def fill(net):
    with torch.no_grad():
        for index, parameter in enumerate(net.parameters()):
            parameter.copy_(filled(parameter.shape, 0.6, 0.3 + index))


def energies(net, shape):
    """E = -f of four examples."""
    x = torch.sin(0.7 * torch.arange(4 * torch.Size(shape).numel(), dtype=torch.float64) + 0.2)
    with torch.no_grad():
        return (-net(x.reshape(4, *shape))).flatten().tolist()


def main():
    folder = pathlib.Path(sys.argv[1])
    found = {}

    # A checkpoint of a training program: one nn.Sequential inside a module, beside an optimizer; 64 and 16 bits.
    net = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.SiLU(), nn.Flatten(), nn.Linear(32, 3), nn.SiLU(), nn.Linear(3, 1))
    net = net.double()
    fill(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(1, 1, 8, 8, dtype=torch.float64)).sum().backward()
    optimizer.step()
    fill(net)
    kinds = {"3": torch.bfloat16, "5": torch.float16}
    state = {f"cnn_layers.{name}": w.to(kinds.get(name.split(".")[0], w.dtype)) for name, w in net.state_dict().items()}
    net.load_state_dict({name.removeprefix("cnn_layers."): w.double() for name, w in state.items()})
    torch.save({"epoch": 3, "state_dict": state, "optimizer": optimizer.state_dict()}, folder / "conv_energy.pt")
    found["conv_energy.pt"] = energies(net, (1, 8, 8))

    # A plain state_dict in the format before PyTorch 1.6, 32 bits.
    net = nn.ModuleDict({"layers": nn.ModuleList([nn.Linear(6, 5), nn.Linear(5, 1)])})
    fill(net)
    torch.save(net.state_dict(), folder / "mlp_energy.pth", _use_new_zipfile_serialization=False)
    first, last = net.double()["layers"]
    found["mlp_energy.pth"] = energies(lambda x: last(torch.tanh(first(x.flatten(1)))), (1, 2, 3))

    (folder / "energies.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
