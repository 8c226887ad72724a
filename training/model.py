"""The beat network in torch: dilated convolutions over the features, then GRUs, then one linear layer of outputs.

Causal (the listener's: engine/hearing/network.py runs the same in numpy) or two-directional (the teacher's: it hears
what comes, and labels real music for the other). After Davies & Böck (Temporal convolutional networks for musical
audio beat tracking, EUSIPCO 2019), with recurrent layers for what lasts longer than a phrase.
Public: Shape, BeatNet, State.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from engine.hearing.features import COUNT
from engine.hearing.network import OUTPUTS

State = list[Tensor]


@dataclass(frozen=True)
class Shape:
    """channels and dilations (frames) of the convolutions, sizes of the GRU layers; causal or two-directional."""

    channels: int = 64
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
    recurrent: tuple[int, ...] = (128,)
    causal: bool = True
    dropout: float = 0.1


class _Block(nn.Module):
    """x + P(elu(D(x))): D over three frames `dilation` apart, P within one."""

    def __init__(self, shape: Shape, dilation: int) -> None:
        super().__init__()
        self.reach, self.causal = 2 * dilation, shape.causal
        self.over = nn.Conv1d(shape.channels, shape.channels, 3, dilation=dilation)
        self.within = nn.Conv1d(shape.channels, shape.channels, 1)
        self.drop = nn.Dropout1d(shape.dropout)

    def forward(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        if self.causal:
            past = x.new_zeros(*x.shape[:2], self.reach)[..., : self.reach] if past is None else past
            seen = torch.cat((past, x), dim=2)
        else:
            seen = nn.functional.pad(x, (self.reach // 2, self.reach // 2))
        y = self.within(self.drop(nn.functional.elu(self.over(seen))))
        return x + y, seen[..., seen.shape[2] - self.reach :].detach()


class BeatNet(nn.Module):
    """float32[batch, frames, COUNT] -> float32[batch, frames, OUTPUTS] (logits), and the state to go on from."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(COUNT))
        self.register_buffer("scale", torch.ones(COUNT))
        self.enter = nn.Conv1d(COUNT, shape.channels, 3)
        self.blocks = nn.ModuleList(_Block(shape, d) for d in shape.dilations)
        sizes = (shape.channels, *shape.recurrent)
        ways = 1 if shape.causal else 2
        self.recurrent = nn.ModuleList(
            nn.GRU(a * (ways if i else 1), b, batch_first=True, bidirectional=not shape.causal)
            for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.drop = nn.Dropout(shape.dropout)
        self.out = nn.Linear(shape.channels + (shape.recurrent[-1] * ways if shape.recurrent else 0), OUTPUTS)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        x = ((x - self.mean) * self.scale).transpose(1, 2)
        left = iter(state) if state else None
        kept: State = []
        if self.shape.causal:
            seen = torch.cat((next(left) if left else x.new_zeros(x.shape[0], COUNT, 2), x), dim=2)
            kept.append(seen[..., -2:].detach())
        else:
            seen = nn.functional.pad(x, (1, 1))
        # 16 bits are enough for the convolutions and half the time; what is carried on for minutes needs all 32.
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training):
            y = nn.functional.elu(self.enter(seen))
            for block in self.blocks:
                y, past = block(y, next(left) if left else None)
                kept.append(past.float())
        y = y.float().transpose(1, 2)
        z = y
        for gru in self.recurrent:
            z, hidden = gru(self.drop(z), next(left) if left else None)
            kept.append(hidden.detach())
        return self.out(torch.cat((y, z), dim=2) if len(self.recurrent) else y), kept
