"""Trains the demo model: a small network that finds the rendered athlete and nobody else.

    train.py PICTURES HELD_OUT MODEL.onnx

PICTURES and HELD_OUT are folders that `examples/demo_pictures.rs` wrote, of other seeds. Prints the error on HELD_OUT and
writes the network as ONNX, its answer laid out as YOLO pose exports are: (1, 56, N), a column for each of the N places
where somebody may be. The design is our own; no weights, code or pictures of anybody else are in it.

It looks twice. On a grid of 16 pixels it says whether a person's middle is in a cell, and roughly where the box and the
points are. Then, for the best N cells alone, each point is looked for around its rough place in a map of 8 pixels a
cell, one map for each kind of point; the place is the mean of what the map shows there, which is finer than a cell.

*middle*: the centre of the person's box · *rough*: from the first look · *fine*: from the second.
"""

import argparse
import collections
import concurrent.futures
import math
import time

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEIGHT = 320, 192
POINTS = 17
# Rows of an answer: box, score, points.
ROWS = 4 + 1 + 3 * POINTS
# Places in an answer.
PLACES = 8
# Pixels that a rough number of 1 stands for.
UNIT = 48.0
# How far around a rough point the second look reaches, as a share of the box's longer side.
REACH = 0.09
BATCH = 16
SEED = 20261126
NOISE = torch.randn(1 << 22, generator=torch.Generator().manual_seed(SEED))
MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def conv(inputs, outputs, size=3, stride=1, pad=None):
    pad = size // 2 if pad is None else pad
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Block(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, width):
        super().__init__()
        self.first = conv(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class Spotter(nn.Module):
    def __init__(self):
        super().__init__()
        a, b, c, d = 32, 48, 80, 96
        self.by4 = conv(3, a, 6, 4, 1)
        self.by8 = nn.Sequential(conv(a, b, 3, 2), Block(b))
        self.by16 = nn.Sequential(conv(b, c, 3, 2), Block(c), Block(c))
        self.by32 = nn.Sequential(conv(c, d, 3, 2), Block(d), Block(d))
        self.from32 = conv(d, c, 1)
        self.middle = Block(c)
        self.rough = nn.Sequential(conv(c, c), nn.Conv2d(c, 1 + 4 + 3 * POINTS, 1))
        self.from16 = conv(c, b, 1)
        self.maps = nn.Sequential(conv(b, b), nn.Conv2d(b, POINTS, 1))
        nn.init.constant_(self.rough[1].bias[:1], -4.0)
        columns, rows = WIDTH // 16, HEIGHT // 16
        cell = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"), -1).reshape(-1, 2)
        self.register_buffer("cells", cell * 16.0 + 8.0)
        columns, rows = WIDTH // 8, HEIGHT // 8
        fine = torch.stack(torch.meshgrid(torch.arange(columns), torch.arange(rows), indexing="xy"), -1).reshape(-1, 2)
        self.register_buffer("fine_cells", fine * 8.0 + 4.0)

    def first_look(self, x):
        """Scores (B, cells), boxes (B, cells, 4), points (B, cells, 17, 2), visible (B, cells, 17), maps (B, 17, cells)"""
        by8 = self.by8(self.by4(x))
        by16 = self.by16(by8)
        deep = F.interpolate(self.from32(self.by32(by16)), scale_factor=2, mode="nearest")
        middle = self.middle(by16 + deep)
        rough = self.rough(middle).flatten(2).transpose(1, 2).float()
        maps = self.maps(by8 + F.interpolate(self.from16(middle), scale_factor=2, mode="nearest"))
        boxes = torch.cat([rough[..., 1:3] * UNIT + self.cells, torch.exp(rough[..., 3:5]) * UNIT], -1)
        points = rough[..., 5 : 5 + 2 * POINTS].reshape(rough.shape[0], -1, POINTS, 2) * UNIT + self.cells[:, None]
        return rough[..., 0], boxes, points, rough[..., 5 + 2 * POINTS :], maps.flatten(2).float()

    def second_look(self, maps, points, sides):
        """Fine points (B, N, 17, 2) around rough `points` of people `sides` (B, N) pixels long."""
        per_pixel = 1.0 / (REACH * sides + 4.0)
        scaled = per_pixel[:, :, None, None]
        x = self.fine_cells[: WIDTH // 8, 0]
        y = self.fine_cells[:: WIDTH // 8, 1]
        off_x = (x - points[..., :1]) * scaled
        off_y = (y - points[..., 1:]) * scaled
        near = (off_y * off_y)[..., :, None] + (off_x * off_x)[..., None, :]
        logits = maps[:, None] - 0.5 * near.flatten(3)
        return torch.softmax(logits, -1) @ self.fine_cells

    def forward(self, x):
        scores, boxes, points, visible, maps = self.first_look(x)
        columns, rows = WIDTH // 16, HEIGHT // 16
        grid = scores.reshape(-1, 1, rows, columns)
        peaks = torch.where(grid >= F.max_pool2d(grid, 3, 1, 1), grid, grid - 20.0).reshape(-1, rows * columns)
        best, places = torch.topk(peaks, PLACES, 1)
        pick = lambda values, shape: torch.gather(values, 1, places[..., None].expand(-1, -1, shape))
        boxes = pick(boxes, 4)
        rough = pick(points.flatten(2), 2 * POINTS).reshape(-1, PLACES, POINTS, 2)
        visible = torch.sigmoid(pick(visible, POINTS))[..., None]
        fine = self.second_look(maps, rough, boxes[..., 2:].amax(-1))
        # What lies beyond the picture's edge has no place in a map.
        found = torch.cat([rough + visible * (fine - rough), visible], -1).flatten(2)
        return torch.cat([boxes, torch.sigmoid(best)[..., None], found], -1).transpose(1, 2)


def read(folder):
    answers = torch.from_numpy(np.fromfile(f"{folder}/answers.f32", "<f4").reshape(-1, 58))
    pictures = np.memmap(f"{folder}/pictures.u8", np.uint8, "r").reshape(-1, 3, HEIGHT, WIDTH)
    return torch.from_numpy(np.array(pictures[: len(answers)])), answers


def unlike(pictures, answers, dice):
    """Other light, colours, focus, noise and sides of the same pictures."""
    n = len(pictures)
    even = lambda low, high, *shape: torch.rand(*shape, generator=dice) * (high - low) + low
    x = pictures.float().mul_(1 / 255.0)
    answers = answers.clone()
    flip = torch.rand(n, generator=dice) < 0.5
    x[flip] = x[flip].flip(3)
    there = answers[:, :1]
    box = answers[:, 1:5]
    answers[:, 1:5] = torch.where(flip[:, None], torch.stack([WIDTH - box[:, 2], box[:, 1], WIDTH - box[:, 0], box[:, 3]], 1), box)
    points = answers[:, 5:56].reshape(n, POINTS, 3)
    turned = points[:, MIRRORED].clone()
    turned[..., 0] = WIDTH - turned[..., 0]
    points = torch.where(flip[:, None, None], turned, points)
    answers[:, 1:56] = torch.cat([answers[:, 1:5], points.flatten(1)], 1) * there
    # Saturation, tint and brightness in one matrix of colours.
    mean = torch.full((3, 3), 1 / 3)
    colours = mean + (torch.eye(3) - mean) * even(0.5, 1.4, n, 1, 1)
    colours = colours * even(0.9, 1.1, n, 3, 1) * even(0.7, 1.35, n, 1, 1)
    x = torch.baddbmm(even(-0.06, 0.06, n, 1, 1), colours, x.flatten(2)).reshape(x.shape)
    soft = torch.rand(n, generator=dice) < 0.25
    x[soft] += (F.avg_pool2d(x[soft], 3, 1, 1, count_include_pad=False) - x[soft]) * even(-0.3, 0.9, int(soft.sum()), 1, 1, 1)
    for picture, strength in zip(x, even(0.0, 0.025, n)):
        start = int(torch.randint(len(NOISE) - picture.numel(), (), generator=dice))
        picture.add_(NOISE[start:][: picture.numel()].reshape(picture.shape), alpha=float(strength))
    return x.clamp_(0, 1).contiguous(memory_format=torch.channels_last), answers


def loss_of(model, x, answers, settled, dice):
    n = len(x)
    with torch.autocast("cpu", torch.bfloat16):
        scores, boxes, points, visible, maps = model.first_look(x)
    there = answers[:, 0] > 0
    box = answers[:, 1:5]
    middle = (box[:, :2] + box[:, 2:]) / 2
    size = (box[:, 2:] - box[:, :2]).clamp(min=8.0)
    truth = answers[:, 5:56].reshape(n, POINTS, 3)
    # A bell around the middle; its peak cell is the only one that must say yes.
    cell = (middle / 16).floor().clamp(min=0)
    cell = torch.stack([cell[:, 0].clamp(max=WIDTH // 16 - 1), cell[:, 1].clamp(max=HEIGHT // 16 - 1)], 1)
    peak = cell * 16 + 8
    bell = torch.exp(-((model.cells - peak[:, None]) ** 2).sum(-1) / (2 * 13.0**2)) * there[:, None]
    chance = torch.sigmoid(scores).clamp(1e-5, 1 - 1e-5)
    yes = bell > 0.999
    score_loss = -torch.where(
        yes, (1 - chance) ** 2 * torch.log(chance), (1 - bell) ** 4 * chance**2 * torch.log(1 - chance)
    ).sum() / there.sum().clamp(min=1)
    # Neighbours of the peak learn the rough look too, with less weight.
    weight = torch.where(bell > 0.4, bell, torch.zeros(()))
    total = weight.sum().clamp(min=1)
    wanted = torch.cat([middle, size], 1)[:, None]
    of_box = torch.cat([(boxes[..., :2] - wanted[..., :2]) / UNIT, torch.log(boxes[..., 2:] / wanted[..., 2:])], -1)
    box_loss = (F.smooth_l1_loss(of_box, torch.zeros_like(of_box), reduction="none", beta=0.05).sum(-1) * weight).sum() / total
    off = (points - truth[:, None, :, :2]) / UNIT
    known = 0.3 + 0.7 * truth[:, None, :, 2]
    rough_loss = (F.smooth_l1_loss(off, torch.zeros_like(off), reduction="none", beta=0.05).sum(-1) * known).mean(-1)
    rough_loss = (rough_loss * weight).sum() / total
    sight = F.binary_cross_entropy_with_logits(visible, truth[:, None, :, 2].expand_as(visible), reduction="none")
    sight_loss = (sight.mean(-1) * weight).sum() / total
    # The second look, once at what the first look found, once at the truth and a little beside it.
    at = torch.arange(n)
    index = (cell[:, 1] * (WIDTH // 16) + cell[:, 0]).long()
    beside = truth[..., :2] + torch.randn(n, POINTS, 2, generator=dice) * 5.0
    rough = torch.where(torch.rand(n, 1, 1, generator=dice) < settled, points[at, index].detach(), beside)
    fine = model.second_look(maps, rough[:, None], size.amax(-1)[:, None])[:, 0]
    seen = truth[..., 2] * there[:, None]
    away = (fine - truth[..., :2]).abs().sum(-1) * seen
    fine_loss = (away / answers[:, 56:57].clamp(min=20.0)).sum() / seen.sum().clamp(min=1)
    aim = torch.exp(-((model.fine_cells - truth[:, :, None, :2]) ** 2).sum(-1) / (2 * 5.5**2)) * seen[..., None]
    aim = aim / aim.sum(-1, keepdim=True).clamp(min=1e-6)
    map_loss = -(aim * torch.log_softmax(maps, -1)).sum() / seen.sum().clamp(min=1)
    return score_loss + 0.5 * box_loss + 2.0 * rough_loss + 0.2 * sight_loss + 12.0 * fine_loss + 0.25 * map_loss


@torch.no_grad()
def measure(model, pictures, answers):
    """One line: the mean error of points in the picture, the people found, the empty rooms where nobody was found."""
    model.eval()
    out = torch.cat([model(part.float() / 255.0) for part in pictures.split(64)])
    model.train()
    best = out[:, 4].argmax(1)
    out = out[torch.arange(len(out)), :, best]
    there = answers[:, 0] > 0
    truth = answers[there, 5:56].reshape(-1, POINTS, 3)
    found = out[there, 5:].reshape(-1, POINTS, 3)
    away = (found[..., :2] - truth[..., :2]).norm(dim=-1) / answers[there, 56:57]
    said = out[:, 4] > 0.25
    error = (away * truth[..., 2]).sum() / truth[..., 2].sum()
    found, empty = said[there].float().mean(), (~said[~there]).float().mean()
    return f"error {error:.2%} of stature, found {found:.1%} of people, nobody in {empty:.1%} of empty rooms"


def folded(module):
    """Batch norms melted into the convolutions before them."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and len(child) > 1 and isinstance(child[1], nn.BatchNorm2d):
            fused = nn.utils.fusion.fuse_conv_bn_eval(child[0], child[1])
            setattr(module, name, nn.Sequential(fused, *child[2:]))
        else:
            folded(child)
    return module


def export(model, path):
    blank = torch.zeros(1, 3, HEIGHT, WIDTH)
    torch.onnx.export(
        folded(model.eval()), blank, path, input_names=["images"], output_names=["output0"], opset_version=17, dynamo=False
    )
    written = onnx.load(path)
    sides = written.graph.output[0].type.tensor_type.shape.dim
    for side, value in zip(sides, (1, ROWS, PLACES)):
        side.ClearField("dim_param")
        side.dim_value = value
    for key, value in {
        "description": "Spotter demo pose: finds the rendered athlete of demo: sources and nobody else",
        "author": "Spotter",
        "license": "MIT OR Apache-2.0",
        "date": "2026-11-26",
        "task": "pose",
        "stride": "16",
        "batch": "1",
        "imgsz": f"[{HEIGHT}, {WIDTH}]",
        "names": "{0: 'person'}",
        "kpt_shape": f"[{POINTS}, 3]",
        "channels": "3",
    }.items():
        entry = written.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.checker.check_model(written)
    onnx.save(written, path)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("pictures")
    ask.add_argument("held_out")
    ask.add_argument("model")
    ask.add_argument("--steps", type=int, default=1600)
    ask.add_argument("--minutes", type=float, default=60.0, help="end after so many, whatever the steps")
    ask = ask.parse_args()
    torch.manual_seed(SEED)
    # One thread prepares batches, one learns from them; more would wait for each other.
    torch.set_num_threads(1)
    pictures, answers = read(ask.pictures)
    held_pictures, held_answers = read(ask.held_out)
    model = Spotter().to(memory_format=torch.channels_last)
    # What is kept is a mean over the last two hundred steps, and over fewer in the beginning.
    toward = lambda old, new, count: old + (new - old) * max(0.005, 10.0 / (20.0 + float(count)))
    kept = torch.optim.swa_utils.AveragedModel(model, avg_fn=toward, use_buffers=True)
    slow = [p for p in model.parameters() if p.ndim > 1]
    fast = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": slow, "weight_decay": 0.02}, {"params": fast, "weight_decay": 0.0}]
    descent = torch.optim.AdamW(groups, lr=1e-3)
    light, guess = torch.Generator().manual_seed(SEED), torch.Generator().manual_seed(SEED + 1)

    def batch():
        chosen = torch.randint(len(pictures), (BATCH,), generator=light)
        return unlike(pictures[chosen], answers[chosen], light)

    begun, total = time.monotonic(), 0.0
    passed = lambda: time.monotonic() - begun
    with concurrent.futures.ThreadPoolExecutor(1) as hand:
        waiting = collections.deque(hand.submit(batch) for _ in range(3))
        for step in range(1, ask.steps + 1):
            share = max(step / ask.steps, passed() / (ask.minutes * 60))
            if share > 1:
                break
            rate = 2e-3 * min(1.0, step / 60) * max(0.01, 0.5 + 0.5 * math.cos(math.pi * share))
            for group in descent.param_groups:
                group["lr"] = rate
            x, wanted = waiting.popleft().result()
            waiting.append(hand.submit(batch))
            loss = loss_of(model, x, wanted, min(0.8, 2 * share), guess)
            descent.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            descent.step()
            kept.update_parameters(model)
            total += float(loss.detach())
            if step % 100 == 0:
                told = measure(kept.module, held_pictures[:96], held_answers[:96])
                print(f"step {step}, {passed():.0f} s: loss {total / 100:.3f}, held out: {told}", flush=True)
                total = 0.0
    took = passed()
    export(kept.module, ask.model)
    told = measure(kept.module, held_pictures, held_answers)
    print(f"{step} steps in {took:.0f} s; {len(held_answers)} held-out pictures: {told}")


if __name__ == "__main__":
    main()
